/** `1 row`, `1,797 rows`. */
export const plural = (count: number, noun: string): string =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** `a`, `a and b`, `a, b and c`, or `a, b and 7 more`. */
export function listed(words: readonly string[], most: number): string {
  const shown = words.length > most ? [...words.slice(0, most - 1), `${words.length - most + 1} more`] : words;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** `28 x 28`. */
export const sizes = (shape: readonly (number | string)[]): string => shape.join(" x ");
