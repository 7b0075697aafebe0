import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** A file of the project, by its path in it. */
export const projectFile = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const readProject = (path: string): Promise<string> => readFile(projectFile(path), "utf8");
