import type { Study } from "../src/lab/study.js";

/** All studies by slug, each loaded only when it is asked for. */
export const studies: Record<string, () => Promise<{ default: Study }>> = {
  "data-diet": () => import("./select/data-diet.js"),
  "lottery-ticket": () => import("./compress/lottery-ticket.js"),
};
