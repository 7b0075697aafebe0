import { moveAxis } from "../../../engine/primitives/batching.js";
import { add, equal, greater, less, mul, where } from "../../../engine/primitives/elementwise.js";
import { gather, putAlongAxis, scatterAdd, takeAlongAxis } from "../../../engine/primitives/indexing.js";
import {
  arange,
  cast,
  expandDims,
  ones,
  pad,
  reshape,
  slice,
  sliceAxis,
} from "../../../engine/primitives/structure.js";
import { type Shape, sizeOf } from "../../../engine/shape.js";
import type { Tensor } from "../../../engine/tensor.js";
import { over, type Value } from "../algebra.js";
import { type Call, checkSize, type Operator } from "../call.js";

function gathered(call: Call): Value {
  const [x, indices] = [call.value(0), call.value(1)];
  const axis = call.axis(x.shape, 0);
  return over([x, indices], (m, [t, i]) => m.gather(t, i, axis));
}

/** Indices may be fewer than there are places on the other axes. */
function gatherElements(call: Call): Tensor {
  const [x, indices] = [call.tensor(0), call.tensor(1)];
  const axis = call.axis(x.shape, 0);
  const ends = x.shape.map((n, i) => (i === axis ? n : Math.min(n, indices.shape[i])));
  return takeAlongAxis(slice(x, [], ends), indices, axis);
}

/** Negative indices count from the end. */
const fromFront = (indices: Tensor, n: number): Tensor => where(less(indices, 0), add(indices, n), indices);

/** Indices of several axes, in the last axis, as indices of the one axis that those axes make together. */
function flatIndex(indices: Tensor, shape: Shape): Tensor {
  const last = indices.rank - 1;
  return shape.reduce<Tensor | undefined>((sum, n, i) => {
    const own = reshape(fromFront(sliceAxis(indices, last, i, i + 1), n), indices.shape.slice(0, -1));
    return sum ? add(mul(sum, n), own) : own;
  }, undefined)!;
}

function indexed(call: Call, x: Tensor, indices: Tensor): { outer: Shape; inner: Shape; flat: Tensor } {
  const depth = indices.shape[indices.rank - 1];
  if (indices.rank === 0 || !(depth >= 1 && depth <= x.rank))
    call.fail(`indices [${indices.shape}] do not fit [${x.shape}]`);
  const outer = x.shape.slice(0, depth);
  return { outer, inner: x.shape.slice(depth), flat: flatIndex(indices, outer) };
}

function gatherND(call: Call): Tensor {
  call.fixed("batch_dims", 0);
  const [x, indices] = [call.tensor(0), call.tensor(1)];
  const { outer, inner, flat } = indexed(call, x, indices);
  return gather(reshape(x, [sizeOf(outer), ...inner]), flat, 0);
}

/** `x` with updates at some places, or added there; `put` lays values among zeros. */
function updated(call: Call, x: Tensor, updates: Tensor, put: (values: Tensor) => Tensor): Tensor {
  const reduction = call.attributes.text("reduction", "none");
  if (reduction === "add") return add(x, put(updates));
  if (reduction !== "none") call.fail(`reduction = ${reduction} is not supported`);
  const hit = greater(put(ones(updates.shape, "float32")), 0);
  return where(hit, cast(put(x.dtype === "bool" ? cast(updates, "int32") : updates), x.dtype), x);
}

function scatterElements(call: Call): Tensor {
  const [x, indices, updates] = [0, 1, 2].map((i) => call.tensor(i));
  const axis = call.axis(x.shape, 0);
  const places = fromFront(indices, x.shape[axis]);
  const low = x.shape.map(() => 0);
  const high = x.shape.map((n, i) => (i === axis ? 0 : n - indices.shape[i]));
  return updated(call, x, updates, (values) => pad(putAlongAxis(values, places, x.shape[axis], axis), low, high));
}

function scatterND(call: Call): Tensor {
  const [x, indices, updates] = [0, 1, 2].map((i) => call.tensor(i));
  const { outer, inner, flat } = indexed(call, x, indices);
  const rows = sizeOf(outer);
  return updated(call, x, updates, (values) =>
    reshape(scatterAdd(reshape(values, [flat.size, ...inner]), reshape(flat, [flat.size]), rows), x.shape),
  );
}

/** `values` = [off, on]: on at each index along a new axis, off elsewhere. */
function oneHot(call: Call): Tensor {
  const [indices, values] = [call.tensor(0), call.tensor(2)];
  const [depth] = checkSize([call.number(1, 0)]);
  const whole = cast(indices, "int64");
  const hit = equal(expandDims(fromFront(whole, depth), -1), arange(depth, "int64"));
  const at = (i: number): Tensor => reshape(sliceAxis(values, 0, i, i + 1), []);
  const axis = call.attributes.int("axis", -1);
  return moveAxis(where(hit, at(1), at(0)), indices.rank, axis < 0 ? axis + indices.rank + 1 : axis);
}

export const indexingOperators: Readonly<Record<string, Operator>> = {
  Gather: gathered,
  GatherElements: gatherElements,
  GatherND: gatherND,
  OneHot: oneHot,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
};
