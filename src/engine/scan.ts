export { scan } from "./control/scan.js";
