/** No deflate stream expands more than this: it codes at most 258 bytes in 2 bits. */
export const greatestExpansion = 1032;

/** What a file of so many packed bytes may unpack to unless told otherwise: few honest ones shrink to a hundredth. */
export const mostUnpacked = (packed: number): number => Math.max(2 ** 28, 100 * packed);
