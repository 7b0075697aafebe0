import { mul } from "../primitives/elementwise.js";
import { sum } from "../primitives/reduce.js";
import { broadcastTo, reshape } from "../primitives/structure.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { type Composite, composite } from "./composite.js";

// Copying each element to a tile, and summing each tile: each is the transpose of the other. The runtime has fast kernels
// for two spatial axes in float32; broadcasting over axes as small as a tile is slow.

type Tile = { tile: readonly number[] };
type Applied = Composite<Tile> & { apply(inputs: readonly Tensor[], attrs: Tile): Tensor };

const isPlane = ({ dtype, shape }: { dtype: string; shape: readonly number[] }): boolean =>
  dtype === "float32" && shape.length === 4 && sizeOf(shape) > 0;
const fold = (x: Tensor): Tensor => reshape(x, [x.shape[0] * x.shape[1], ...x.shape.slice(2)]);
const unfold = (x: Tensor, size: number): Tensor => reshape(x, [size, x.shape[0] / size, ...x.shape.slice(1)]);

const upsampleComposite: Applied = composite<Tile>({
  name: "upsample",
  define([x], { tile }) {
    const [n, c, ...spatial] = x.shape;
    const apart = reshape(x, [n * c, ...spatial.flatMap((s) => [s, 1])]);
    const spread = broadcastTo(apart, [n * c, ...spatial.flatMap((s, i) => [s, tile[i]])]);
    return reshape(spread, [n, c, ...spatial.map((s, i) => s * tile[i])]);
  },
  serves: ([x]) => isPlane(x),
  emit: (e, [x], { shape }) =>
    e.node("Resize", [x, "", "", e.ints(shape)], {
      mode: "nearest",
      nearest_mode: "floor",
      coordinate_transformation_mode: "asymmetric",
    }),
  grad: (g, { attrs: { tile } }) => [sumTiles(g, tile)],
  batch: ([x], _batched, { tile }, size) => unfold(upsample(fold(x), tile), size),
});

const sumComposite: Applied = composite<Tile>({
  name: "sumTiles",
  define([x], { tile }) {
    const [n, c, ...spatial] = x.shape;
    const apart = reshape(x, [n * c, ...spatial.flatMap((s, i) => [s / tile[i], tile[i]])]);
    const sums = sum(
      apart,
      tile.map((_, i) => 2 * i + 2),
    );
    return reshape(sums, [n, c, ...spatial.map((s, i) => s / tile[i])]);
  },
  serves: ([x]) => isPlane(x),
  emit(e, [x], { attrs: { tile } }) {
    const mean = e.node("AveragePool", [x], { kernel_shape: tile, strides: tile });
    return e.node("Mul", [mean, e.scalarFloat(sizeOf(tile))]);
  },
  grad: (g, { attrs: { tile } }) => [upsample(g, tile)],
  batch: ([x], _batched, { tile }, size) => unfold(sumTiles(fold(x), tile), size),
});

/** Copies each element of `x` [N, C, ...spatial] to a tile of the given size: nearest-neighbour upsampling. */
export const upsample = (x: Tensor, tile: readonly number[]): Tensor => upsampleComposite.apply([x], { tile });

/** The sum of each tile of `x` [N, C, ...spatial]; tiles must divide the spatial axes. */
export const sumTiles = (x: Tensor, tile: readonly number[]): Tensor => sumComposite.apply([x], { tile });

/** The mean of each tile. */
export const meanTiles = (x: Tensor, tile: readonly number[]): Tensor => mul(sumTiles(x, tile), 1 / sizeOf(tile));
