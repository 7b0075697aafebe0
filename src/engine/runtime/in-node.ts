/** Whether this is Node, with its file system and native modules; a browser's page or worker otherwise. */
export const inNode = typeof process !== "undefined" && process.versions?.node !== undefined;
