/**
 * Data selection (`hebb/select`): scores of single examples, pruning by score, wrong labels, and training many networks
 * on chosen rows at once.
 */
export { averageScores } from "./average.js";
export { type Classifier, el2n } from "./el2n.js";
export {
  type ForgettingCounter,
  type ForgettingOptions,
  type ForgettingState,
  forgettingCounter,
  forgettingScores,
  type Observation,
} from "./forgetting.js";
export { type GrandOptions, grand } from "./grand.js";
export { flipLabels, type Noisy, scoreNoiseAuc } from "./label-noise.js";
export {
  type Network,
  type NetworkTrainer,
  type NetworkTrainerOptions,
  networkTrainer,
  type TrainedSteps,
  type TrainNetworksOptions,
} from "./network-trainer.js";
export { type Pruned, type PruneOptions, pruneByScore, rowsByScore } from "./prune.js";
export {
  type Score,
  type ScoreNetworksOptions,
  type ScoreRowsOptions,
  scoreNetworks,
  scoreRows,
} from "./score-rows.js";
