/** The version of this package, as in package.json (a test compares them): part of every run and every cache key. */
export const version = "0.1.0";
