import type { PageModule, Route } from "./router.js";

/** All pages; each is loaded when somebody goes there. */
export const routes: readonly Route[] = [
  { pattern: "/", load: () => import("./catalogue/page.js") as Promise<PageModule> },
  { pattern: "/paper/:slug", title: "Paper", load: () => import("./paper/page.js") as Promise<PageModule> },
  { pattern: "/job/:place/:id", title: "Job", load: () => import("./run/job-page.js") as Promise<PageModule> },
  { pattern: "/run/:place/:id", title: "Run", load: () => import("./run/run-page.js") as Promise<PageModule> },
  { pattern: "/runs", title: "Runs", load: () => import("./runs/page.js") as Promise<PageModule> },
  { pattern: "/compare", title: "Compare", load: () => import("./compare/page.js") as Promise<PageModule> },
  { pattern: "/data", title: "Your data", load: () => import("./data/page.js") as Promise<PageModule> },
];
