/** What has no place in a sentence: control characters, and marks that turn the direction of a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
const unprintable = /[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+/g;

const longestQuote = 60;
const longestLine = 600;

const cut = (text: string, longest: number): string => (text.length <= longest ? text : `${text.slice(0, longest)}…`);

/** Text from outside that cannot do anything to the terminal of whoever reads it. */
export const printable = (text: string): string => text.replaceAll(unprintable, "\ufffd");

/** The beginning of a text from outside in quotation marks, for an error message. */
export const quote = (text: string): string => printable(JSON.stringify(cut(text, longestQuote)));

/** A sentence that may hold texts from outside, in one line of a sensible length. */
export const oneLine = (sentence: string): string => printable(cut(sentence, longestLine));
