import type { Study } from "../src/lab/study.js";

/** All studies by slug, each loaded only when it is asked for. */
export const studies: Record<string, () => Promise<{ default: Study }>> = {
  "lottery-ticket": () => import("./compress/lottery-ticket.js"),
};
