/** The fourteen groups of papers; each is also the name of the library folder that holds its methods. */
export type Family =
  | "optimize"
  | "kernels"
  | "phenomena"
  | "local"
  | "structure"
  | "forget"
  | "continual"
  | "compress"
  | "select"
  | "represent"
  | "incontext"
  | "align"
  | "decide"
  | "science";

/** What a paper brings. */
export type Kind = "method" | "theory" | "phenomenon" | "measure" | "architecture" | "benchmark" | "tool" | "survey";

/** One paper of the catalogue. */
export interface Paper {
  /** Short unique name; also the file name of the paper's study. */
  slug: string;
  family: Family;
  kinds: readonly Kind[];
  title: string;
  /** Year of the venue, or of the preprint where there is no venue. */
  year?: number;
  /** What the paper claims, in one sentence of our own. */
  claim: string;
}
