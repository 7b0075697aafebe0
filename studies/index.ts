import type { Study } from "../src/lab/study.js";

/** All studies by slug, each loaded only when it is asked for. */
export const studies: Record<string, () => Promise<{ default: Study }>> = {
  "data-diet": () => import("./select/data-diet.js"),
  "lazy-to-rich": () => import("./phenomena/lazy-to-rich.js"),
  "lottery-ticket": () => import("./compress/lottery-ticket.js"),
};
