import type { Primitive } from "../core.js";
import { choleskyPrimitive } from "./cholesky.js";
import { eighPrimitive } from "./eigh.js";
import { luPrimitive, slogdetPrimitive, solvePrimitive } from "./lu.js";
import { qrPrimitive } from "./qr.js";
import { svdPrimitive } from "./svd.js";
import { triangularPrimitive } from "./triangular.js";

export const linalgPrimitives: readonly Primitive[] = [
  choleskyPrimitive,
  triangularPrimitive,
  solvePrimitive,
  luPrimitive,
  slogdetPrimitive,
  qrPrimitive,
  eighPrimitive,
  svdPrimitive,
];
