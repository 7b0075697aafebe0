/** What people search for, and what papers call it. */
const related: readonly (readonly [asked: RegExp, words: readonly string[]])[] = [
  [/\bdelet|\bgdpr|right to be/i, ["unlearning", "forgetting"]],
  [/\bforget/i, ["unlearning", "catastrophic"]],
  [/\bunlearn/i, ["forget"]],
  [/\bgeneraliz/i, ["generalisation"]],
  [/\bmemoriz/i, ["memorisation"]],
  [/\bsmall(?:er)? model|\bshrink|\bcompress/i, ["pruning", "quantization", "sparse"]],
  [/\bprun/i, ["lottery", "sparse"]],
  [/\bquanti[sz]/i, ["low-bit", "quantization"]],
  [/\brlhf|\bdpo\b|human feedback/i, ["preference"]],
  [/\bbackprop/i, ["forward-only", "local", "feedback"]],
  [/\blearning rate|\bschedul/i, ["schedule", "warmup", "optimizer"]],
  [/\boptimi[sz]er/i, ["adam", "momentum", "gradient"]],
  [/\bdiffusion/i, ["concept", "denoising"]],
  [/\bllm|\blanguage model/i, ["transformer", "in-context"]],
  [/\bgraph/i, ["gnn", "message"]],
  [/\bactive learning|\bcoreset|\bdata prun/i, ["selection", "data diet"]],
  [/\bicl\b|few.?shot/i, ["in-context"]],
  [/\bphysics|\bpde\b|\bsolver/i, ["operator", "solver"]],
];

/** Words that a search for `text` is about besides its own. */
export const relatedWords = (text: string): readonly string[] =>
  related.flatMap(([asked, words]) => (asked.test(text) ? words : []));
