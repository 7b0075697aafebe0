import { applyMany, bundleSpec, type ManyRules, type Primitive, type Spec } from "../core.js";
import { type DType, dtypes, type NDArray } from "../dtype.js";
import { HebbError, ShapeError } from "../errors.js";
import { broadcastTo } from "../primitives/structure.js";
import type { HostTools } from "../runtime/host.js";
import { broadcastShapes, type Shape, show, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { type Matrix, matrix, type Product } from "./host/matrix.js";

export interface MatrixRules<A extends Record<string, any>> {
  readonly name: string;
  /** Shapes of the results, of which the axes before the last two are those of the inputs. */
  infer(inputs: readonly Spec[], attrs: A): readonly Spec[];
  /** The results for one matrix of each input, in row-major order. It must not change what it is given. */
  compute(inputs: readonly Matrix[], attrs: A, product: Product): Promise<readonly ArrayLike<number>[]>;
  readonly grad: ManyRules<A>["grad"];
}

/**
 * An operation on the matrices in the last two axes of its inputs, which have equal axes before them: computed on the
 * host in float64, one after the other.
 */
export function matrixPrimitive<A extends Record<string, any>>(
  rules: MatrixRules<A>,
): Primitive<A> & { apply(inputs: readonly Tensor[], attrs: A): Tensor[] } {
  const { name, infer, compute, grad } = rules;
  const primitive: Primitive<A> = {
    name,
    infer: () => bundleSpec,
    many: {
      infer: (inputs, attrs) => {
        inputs.forEach((spec) => {
          checkMatrix(name, spec);
        });
        return infer(inputs, attrs);
      },
      grad,
      batch: (inputs, batched, attrs, size) =>
        applyMany(
          primitive,
          inputs.map((t, i) => (batched[i] ? t : broadcastTo(t, [size, ...t.shape]))),
          attrs,
        ),
      async host(inputs, attrs, tools) {
        const lead = inputs[0].shape.slice(0, -2);
        const specs = infer(inputs, attrs);
        const results = specs.map(({ shape, dtype }) => new dtypes[dtype].array(sizeOf(shape)));
        const read = inputs.map((x) => matrices(name, x));
        for (let i = 0; i < sizeOf(lead); i++) {
          const one = await compute(
            read.map((x) => x(i)),
            attrs,
            productOf(tools),
          ).catch((error) => {
            if (!(error instanceof HebbError)) throw error;
            throw new HebbError(
              `${name}${lead.length > 0 ? ` (matrix ${show(position(i, lead))})` : ""}: ${error.message}`,
            );
          });
          one.forEach((data, k) => {
            results[k].set(data as ArrayLike<any>, i * data.length);
          });
        }
        return results.map((data, k): NDArray => ({ ...specs[k], data }));
      },
    },
  };
  return { ...primitive, apply: (inputs, attrs) => applyMany(primitive, inputs, attrs) };
}

/** The input must hold matrices of float32 or float64. */
export function checkMatrix(name: string, { shape, dtype }: Spec): void {
  if (dtype !== "float32" && dtype !== "float64")
    throw new ShapeError(name, `not defined for dtype ${dtype}; convert to float32 or float64 with cast()`);
  if (shape.length < 2) throw new ShapeError(name, `needs a matrix in the last two axes, got shape ${show(shape)}`);
}

/** The size of the square matrices in the last two axes. */
export function squareSize(name: string, { shape }: Spec): number {
  const [m, n] = shape.slice(-2);
  if (shape.length < 2 || m !== n) throw new ShapeError(name, `needs square matrices, got shape ${show(shape)}`);
  return n;
}

/** Matrix number i of an array, in float64; throws `HebbError` for an element that is not finite. */
function matrices(name: string, { data, shape }: NDArray): (i: number) => Matrix {
  const values = data instanceof Float64Array ? data : Float64Array.from(data as Float32Array);
  let bad = 0;
  while (bad < values.length && Number.isFinite(values[bad])) bad++;
  if (bad < values.length) throw new HebbError(`${name}: element ${show(position(bad, shape))} is ${values[bad]}.`);
  const [m, n] = shape.slice(-2);
  return (i) => matrix(m, n, values.subarray(i * m * n, (i + 1) * m * n));
}

/** The indices of element number `i` of an array. */
function position(i: number, shape: Shape): number[] {
  let rest = i;
  return shape
    .toReversed()
    .map((n) => {
      const index = rest % n;
      rest = Math.floor(rest / n);
      return index;
    })
    .reverse();
}

const productOf =
  (tools: HostTools): Product =>
  async (a, b, { m, k, n }, flags) => {
    const array = (data: Float64Array, rows: number, cols: number): NDArray => ({
      data,
      shape: [rows, cols],
      dtype: "float64",
    });
    const left = flags.transposeA ? array(a, k, m) : array(a, m, k);
    const right = flags.transposeB ? array(b, n, k) : array(b, k, n);
    return (await tools.matmul(left, right, flags)).data as Float64Array;
  };

/** Inputs with equal axes before the last two, by broadcasting. */
export function alignLead(name: string, inputs: readonly Tensor[]): Tensor[] {
  const lead = broadcastShapes(name, ...inputs.map((t) => t.shape.slice(0, -2)));
  return inputs.map((t) => broadcastTo(t, [...lead, ...t.shape.slice(-2)]));
}

/** The distance between 1 and the next number. */
export const epsilonOf = (dtype: DType): number => (dtype === "float64" ? 2 ** -52 : 2 ** -23);
