/**
 * ROUGE-L recall (Lin, 2004): the length of the longest common subsequence of an answer and its reference, over the length
 * of the reference. 0 for an empty reference.
 */
export function rougeLRecall(answer: ArrayLike<number>, reference: ArrayLike<number>): number {
  // best[j]: the longest for the answer so far and the first j tokens of the reference.
  const best = new Uint32Array(reference.length + 1);
  for (let i = 0; i < answer.length; i++) {
    let diagonal = 0;
    for (let j = 1; j <= reference.length; j++) {
      const above = best[j];
      best[j] = answer[i] === reference[j - 1] ? diagonal + 1 : Math.max(above, best[j - 1]);
      diagonal = above;
    }
  }
  return reference.length === 0 ? 0 : best[reference.length] / reference.length;
}
