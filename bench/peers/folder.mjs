import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** `bench/`, where peers find their files. */
export const benchFolder = dirname(dirname(fileURLToPath(import.meta.url)));
