import { customPrimitive } from "../autodiff.js";
import { condPrimitives } from "../control/cond.js";
import { opaquePrimitives } from "../control/opaque.js";
import { scanPrimitive } from "../control/scan.js";
import { whilePrimitives } from "../control/while.js";
import { literalPrimitive, type Primitive, partPrimitive } from "../core.js";
import { linalgPrimitives } from "../linalg/primitives.js";
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
  partPrimitive,
  ...elementwisePrimitives,
  ...structurePrimitives,
  ...reducePrimitives,
  ...matmulPrimitives,
  ...indexingPrimitives,
  ...convPrimitives,
  ...poolPrimitives,
  scanPrimitive,
  ...whilePrimitives,
  ...condPrimitives,
  ...opaquePrimitives,
  ...linalgPrimitives,
];
