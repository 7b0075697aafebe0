import { ShapeError } from "../errors.js";
import { mul } from "../primitives/elementwise.js";
import { matmul } from "../primitives/matmul.js";
import { sum } from "../primitives/reduce.js";
import { broadcastTo, reshape, transpose } from "../primitives/structure.js";
import { show, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { diagonal } from "./matrices.js";

/** A tensor whose axes have names: a letter each, or a number for an axis that "..." stands for. */
interface Term {
  readonly value: Tensor;
  readonly labels: readonly string[];
}

const fail = (problem: string): never => {
  throw new ShapeError("einsum", problem);
};
const same = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join();

/**
 * Sums of products over named axes: `einsum("ij,jk->ik", a, b)` is a matrix product, `"ii->i"` a diagonal, `"bij->bji"` a
 * transposition; "..." stands for any leading or trailing axes, which broadcast. Without "->" the result has the
 * subscripts that occur once, in alphabetical order. Operands are contracted in pairs, smallest result first, each by a
 * matrix product where subscripts are summed.
 *
 * Throws `ShapeError` when subscripts do not fit the operands or each other.
 */
export function einsum(subscripts: string, ...operands: Tensor[]): Tensor {
  const { inputs, output } = parse(subscripts, operands);
  const sizes = sizesOf(inputs, operands);
  let terms: Term[] = operands.map((value, i) => distinct(stretch({ value, labels: inputs[i] }, sizes)));
  while (terms.length > 1) {
    const [i, j] = cheapest(terms, output, sizes);
    const others = terms.filter((_, k) => k !== i && k !== j);
    terms = [...others, contract(terms[i], terms[j], wanted(others, output))];
  }
  return arrange(
    summed(terms[0], (l) => output.includes(l)),
    output,
  );
}

/** The labels of each operand and of the result. */
function parse(subscripts: string, operands: readonly Tensor[]): { inputs: string[][]; output: string[] } {
  const text = subscripts.replace(/\s/g, "");
  const [left, right, ...more] = text.split("->");
  if (more.length > 0) fail(`"${subscripts}" has more than one "->"`);
  const names = left.split(",");
  if (names.length !== operands.length)
    fail(`"${subscripts}" names ${names.length} operands, but ${operands.length} were given`);
  const axes = names.map((name, i) => {
    const letters = lettersOf(name, subscripts);
    const { shape } = operands[i];
    const rest = shape.length - letters.length;
    if (rest < 0 || (rest > 0 && !name.includes("...")))
      fail(`"${name}" does not name the axes of operand ${i}, whose shape is ${show(shape)}`);
    return rest;
  });
  const deepest = Math.max(0, ...axes);
  // Axes behind "..." are numbered from the right, so that they broadcast.
  const expand = (name: string, count: number): string[] =>
    name.split("...").flatMap((part, i) => [...(i > 0 ? numbered(count) : []), ...part]);
  const inputs = names.map((name, i) => expand(name, axes[i]));
  if (right !== undefined) {
    lettersOf(right, subscripts);
    const output = expand(right, deepest);
    output.forEach((l, i) => {
      if (output.indexOf(l) !== i) fail(`the result of "${subscripts}" names "${l}" twice`);
      if (!inputs.some((labels) => labels.includes(l)))
        fail(`the result's subscript "${l}" is in no operand of "${subscripts}"`);
    });
    return { inputs, output };
  }
  const all = inputs.flat();
  const once = [...new Set(all)].filter((l) => !isNumber(l) && all.indexOf(l) === all.lastIndexOf(l)).sort();
  return { inputs, output: [...numbered(deepest), ...once] };
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, k) => String(count - 1 - k));
const isNumber = (label: string): boolean => /\d/.test(label);

function lettersOf(name: string, subscripts: string): string {
  if (!/^[a-zA-Z]*(\.\.\.)?[a-zA-Z]*$/.test(name))
    fail(`"${name}" in "${subscripts}" is not letters with at most one "..."`);
  return name.replace("...", "");
}

/** How large each label is. */
function sizesOf(inputs: readonly (readonly string[])[], operands: readonly Tensor[]): Map<string, number> {
  const sizes = new Map<string, number>();
  const first = new Map<string, number>();
  inputs.forEach((labels, i) => {
    labels.forEach((l, axis) => {
      const n = operands[i].shape[axis];
      const known = sizes.get(l);
      if (known === undefined || (isNumber(l) && known === 1)) {
        sizes.set(l, n);
        first.set(l, i);
      } else if (n !== known && !(isNumber(l) && n === 1)) {
        const what = isNumber(l) ? `an axis of "..."` : `subscript "${l}"`;
        fail(`${what} is ${known} long in operand ${first.get(l)} and ${n} long in operand ${i}`);
      }
    });
  });
  return sizes;
}

/** Broadcasts axes of size one behind "...". */
const stretch = ({ value, labels }: Term, sizes: ReadonlyMap<string, number>): Term => ({
  value: broadcastTo(
    value,
    labels.map((l) => sizes.get(l)!),
  ),
  labels,
});

/** Takes diagonals until each label names one axis. */
function distinct(term: Term): Term {
  let { value, labels } = term;
  for (;;) {
    const second = labels.findIndex((l, i) => labels.indexOf(l) !== i);
    if (second < 0) return { value, labels };
    const label = labels[second];
    const first = labels.indexOf(label);
    value = diagonal(value, { axes: [first, second] });
    labels = [...labels.filter((_, i) => i !== first && i !== second), label];
  }
}

const wanted = (others: readonly Term[], output: readonly string[]): ReadonlySet<string> =>
  new Set([...output, ...others.flatMap((t) => t.labels)]);

/** The pair whose contraction is smallest. */
function cheapest(
  terms: readonly Term[],
  output: readonly string[],
  sizes: ReadonlyMap<string, number>,
): [number, number] {
  let best: [number, number] = [0, 1];
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < terms.length; i++) {
    for (let j = i + 1; j < terms.length; j++) {
      const keep = wanted(
        terms.filter((_, k) => k !== i && k !== j),
        output,
      );
      const labels = new Set([...terms[i].labels, ...terms[j].labels].filter((l) => keep.has(l)));
      const size = sizeOf([...labels].map((l) => sizes.get(l)!));
      if (size < least) [best, least] = [[i, j], size];
    }
  }
  return best;
}

/** Sums out the labels that are not kept. */
function summed({ value, labels }: Term, keep: (label: string) => boolean): Term {
  const axes = labels.flatMap((l, i) => (keep(l) ? [] : [i]));
  return axes.length === 0 ? { value, labels } : { value: sum(value, axes), labels: labels.filter(keep) };
}

const arrange = ({ value, labels }: Term, order: readonly string[]): Tensor =>
  transpose(
    value,
    order.map((l) => labels.indexOf(l)),
  );

/** The product of two terms, summed over what nobody wants any more. */
function contract(a: Term, b: Term, keep: ReadonlySet<string>): Term {
  const left = summed(a, (l) => keep.has(l) || b.labels.includes(l));
  const right = summed(b, (l) => keep.has(l) || a.labels.includes(l));
  const shared = left.labels.filter((l) => right.labels.includes(l));
  const batch = shared.filter((l) => keep.has(l));
  const inner = shared.filter((l) => !keep.has(l));
  const rows = left.labels.filter((l) => !shared.includes(l));
  const columns = right.labels.filter((l) => !shared.includes(l));
  const labels = [...batch, ...rows, ...columns];
  const shapeOf = (t: Term, names: readonly string[]) => names.map((l) => t.value.shape[t.labels.indexOf(l)]);
  const [batches, rowSizes, columnSizes] = [shapeOf(left, batch), shapeOf(left, rows), shapeOf(right, columns)];
  if (inner.length === 0) {
    const over = reshape(arrange(left, [...batch, ...rows]), [...batches, ...rowSizes, ...columns.map(() => 1)]);
    const under = reshape(arrange(right, [...batch, ...columns]), [...batches, ...rows.map(() => 1), ...columnSizes]);
    return { value: mul(over, under), labels };
  }
  // A matrix product reads either operand transposed at no cost.
  const transposeA = same(left.labels, [...batch, ...inner, ...rows]);
  const transposeB = same(right.labels, [...batch, ...columns, ...inner]);
  const matrices = (t: Term, first: readonly string[], second: readonly string[]) =>
    reshape(arrange(t, [...batch, ...first, ...second]), [
      ...(batch.length > 0 ? [sizeOf(batches)] : []),
      sizeOf(shapeOf(t, first)),
      sizeOf(shapeOf(t, second)),
    ]);
  const x = transposeA ? matrices(left, inner, rows) : matrices(left, rows, inner);
  const y = transposeB ? matrices(right, columns, inner) : matrices(right, inner, columns);
  const product = matmul(x, y, { transposeA, transposeB });
  return { value: reshape(product, [...batches, ...rowSizes, ...columnSizes]), labels };
}
