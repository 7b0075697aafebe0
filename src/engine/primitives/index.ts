import { customPrimitive } from "../autodiff.js";
import { literalPrimitive, type Primitive } from "../core.js";
import { convPrimitives } from "./conv.js";
import { elementwisePrimitives } from "./elementwise.js";
import { indexingPrimitives } from "./indexing.js";
import { matmulPrimitives } from "./matmul.js";
import { poolPrimitives } from "./pool.js";
import { reducePrimitives } from "./reduce.js";
import { structurePrimitives } from "./structure.js";

/** The closed table: everything else in the engine is made of these. */
export const primitives: readonly Primitive[] = [
  literalPrimitive,
  customPrimitive,
  ...elementwisePrimitives,
  ...structurePrimitives,
  ...reducePrimitives,
  ...matmulPrimitives,
  ...indexingPrimitives,
  ...convPrimitives,
  ...poolPrimitives,
];
