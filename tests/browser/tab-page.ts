import { tabPlace } from "../../web/src/places/tab.js";

/** What the test calls inside the page. */
const tab = tabPlace();
export type Tab = typeof tab;
Object.assign(globalThis, { tab });
document.title = "ready";
