import { ShapeError } from "./errors.js";

export type Shape = readonly number[];

export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);
export const show = (shape: Shape): string => `[${shape.join(", ")}]`;

/** The shape that NumPy's rule gives for operands of these shapes. */
export function broadcastShapes(operation: string, ...shapes: Shape[]): Shape {
  if (shapes.length === 1) return shapes[0];
  const rank = Math.max(...shapes.map((s) => s.length));
  const out: number[] = new Array(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const axis = rank - shape.length + i;
      if (shape[i] === 1 || shape[i] === out[axis]) continue;
      if (out[axis] !== 1) {
        throw new ShapeError(operation, `shapes ${shapes.map(show).join(" and ")} cannot be broadcast together`);
      }
      out[axis] = shape[i];
    }
  }
  return out;
}

/** A non-negative axis of a tensor of rank `rank`; negative axes count from the end. */
export function normalAxis(operation: string, axis: number, shape: Shape): number {
  const out = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(axis) || out < 0 || out >= shape.length) {
    throw new ShapeError(operation, `axis ${axis} is out of range for shape ${show(shape)}`);
  }
  return out;
}

/** Sorted non-negative axes; `undefined` means all of them. */
export function normalAxes(operation: string, axes: number | readonly number[] | undefined, shape: Shape): number[] {
  if (axes === undefined) return shape.map((_, i) => i);
  const list = (typeof axes === "number" ? [axes] : axes).map((a) => normalAxis(operation, a, shape));
  if (new Set(list).size !== list.length) throw new ShapeError(operation, `axes [${axes}] name an axis twice`);
  return list.sort((a, b) => a - b);
}
