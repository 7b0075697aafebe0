/**
 * Data sets, loaders and batches (`hebb/data`). Data lives in host memory as `NDArray`s, which jitted functions take as
 * they are.
 */
export {
  type Batch,
  type Batches,
  type BatchOptions,
  type BatchState,
  batches,
  batchIndices,
  epochOrder,
} from "./batches.js";
export { pearson, ranks, spearman } from "./correlation.js";
export { type CsvOptions, parseCsv, readCsv } from "./csv.js";
export {
  type Dataset,
  type FromArraysOptions,
  fromArrays,
  gatherRows,
  oneHotLabels,
  reshapeRows,
  size,
  split,
  type TrainTest,
  take,
} from "./dataset.js";
export { digits, digits8 } from "./digits.js";
export { parseIdx, readIdx, readIdxPair } from "./idx.js";
export { type FileProgress, fashionMnist, type LoadOptions, mnist } from "./mnist.js";
export {
  type DataInfo,
  type DataName,
  type DataSets,
  dataNames,
  describeData,
  loadData,
  locateData,
  obtainData,
} from "./registry.js";
export { rotateImages } from "./rotate.js";
export {
  applyScaling,
  averagePool2x2,
  type Per,
  type Scaling,
  scale01,
  standardise,
  standardScaling,
} from "./scale.js";
export type { Pronunciation } from "./text/cmudict.js";
export { cmudict, firstNames, type Mail, spamassassin, wordnet } from "./text/packages.js";
export type { Synset } from "./text/wordnet.js";
