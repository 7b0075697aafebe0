/** Machine unlearning (`hebb/forget`): methods that make a trained model forget rows, and measures of whether it did. */
export { type AblateConceptOptions, ablateConcept } from "./ablate-concept.js";
export { attentionMap, attentionTransferDistance } from "./attention-map.js";
export {
  type Audit,
  type AuditedModel,
  type AuditInput,
  type AuditOptions,
  auditUnlearning,
  type Estimate,
  type ModelAudit,
  type RelearningAudit,
} from "./audit.js";
export {
  finetune,
  type GradDiffOptions,
  gradDiff,
  gradientAscent,
  meanLoss,
  optimizerOf,
  randomLabelling,
  type TrainingOptions,
} from "./baselines.js";
export { type BatchList, type RowBatch, rowBatches, rowsOf, zipBatches } from "./batches.js";
export { type BlindspotOptions, blindspotProxy, blindspotUnlearn } from "./blindspot.js";
export { projectCappedSimplex } from "./capped-simplex.js";
export type { Concept, EraseOptions } from "./concept-erasing.js";
export { datamodelMatching, dmDirect } from "./datamodel-matching.js";
export {
  type Datamodels,
  datamodelOutputs,
  drawSubsets,
  type EstimateDatamodelsOptions,
  type EstimatedDatamodels,
  estimateDatamodels,
  type FitDatamodelsOptions,
  fitDatamodels,
  predictRetrained,
  type SubsetOptions,
  type SubsetOutputs,
  type TrainOnSubsets,
} from "./datamodels.js";
export { ensembleProblem } from "./ensemble.js";
export { type EsdEraseOptions, esdErase } from "./esd-erase.js";
export { type Divergence, fDivergenceVariational, flatLoss, type Variational } from "./flat-loss.js";
export { type GaussianAmnesiacOptions, gaussianAmnesiac } from "./gaussian-amnesiac.js";
export { goldModels, goldSeed } from "./gold.js";
export { type InfluenceOptions, influenceUnlearn } from "./influence.js";
export { type KlomOptions, klom, labelMargins } from "./klom.js";
export { type L1SparseOptions, l1Norm, l1Sparse, l1Weight } from "./l1-sparse.js";
export { type LabelAgnosticOptions, labelAgnosticForget, type RepairOptions } from "./label-agnostic.js";
export { alignmentLoss, extractorLoss, representationShift, squashError } from "./label-agnostic-losses.js";
export { type AnswerOptions, greedyAnswers, type Writer } from "./language/greedy-answers.js";
export { type KsTest, ksTest } from "./language/kolmogorov-smirnov.js";
export { rougeLRecall } from "./language/rouge.js";
export {
  forgetQuality,
  gibberish,
  type LanguageScorerOptions,
  type LanguageScores,
  languageScorer,
  modelUtility,
  type Questions,
} from "./language/scores.js";
export {
  type Fact,
  type Theme,
  type Tofu,
  type TofuOptions,
  tofu,
  tofuContext,
  tofuWidth,
  type WordingNumber,
} from "./language/tofu.js";
export { noLabel, type TokenPair, type TokenRowOptions, tokenPairs, tokenRows } from "./language/token-rows.js";
export { type Vocabulary, vocabulary } from "./language/vocabulary.js";
export { lds } from "./lds.js";
export { type LinearFit, linearFit, type Penalty, type Regulariser } from "./linear-fit.js";
export { type FlatOptions, flatUnlearn, type RefusalUnlearnOptions, refusalUnlearn } from "./loss-adjustment.js";
export { fitMembershipAttack, type MembershipAttack, membershipAuc, miaEfficacy } from "./membership.js";
export {
  type ConceptEffect,
  type ConceptProbes,
  type NeedleOptions,
  needleAblate,
  needleUnlearn,
  validateConceptVector,
} from "./needle.js";
export { type NegativePromptOptions, negativePromptSampling } from "./negative-prompt.js";
export { type AgainstReference, dpoLoss, gaLoss, npoAdaptiveWeight, npoLoss, referenceKl } from "./npo-loss.js";
export { type NpoToy, type NpoToyOptions, npoDivergenceToy } from "./npo-toy.js";
export { type OracleMatchingOptions, type OracleTargets, oracleMatching } from "./oracle-matching.js";
export { pairedDrift, type Sampler } from "./paired-drift.js";
export {
  absoluteErrors,
  accuracyOf,
  labelLosses,
  logProbabilities,
  meanDistance,
  meanDivergence,
  type Predictions,
  type Predictor,
  predictor,
} from "./predictions.js";
export { type DpoOptions, dpoUnlearn, type NpoOptions, npoUnlearn } from "./preference.js";
export {
  type Examples,
  type Labelled,
  type LabelledBatch,
  type Outputs,
  outputsOf,
  type UnlearnProblem,
} from "./problem.js";
export { type QuadraticDescent, quadraticDescent } from "./quadratic-descent.js";
export { type RefusalOptions, refusalRows, type Template } from "./refusals.js";
export { type RegressionErrors, type RegressionMia, regressionMia } from "./regression-mia.js";
export {
  type Anamnesis,
  anamnesisIndex,
  anamnesisRatio,
  type Relearned,
  type RelearnOptions,
  relearnSteps,
} from "./relearn.js";
export {
  type Code,
  type RepresentationVae,
  type RepresentationVaeParams,
  representationVae,
  type VaeEvidenceOptions,
  vaeError,
  vaeEvidence,
} from "./representation-vae.js";
export { type LeftOut, ridge, ridgeLeaveOut } from "./ridge.js";
export { rowScores } from "./row-scores.js";
export { joinRows, randomLabels } from "./rows.js";
export { evaluateUnlearning, parameterDistance, type Scorecard, type Scores, scorecard } from "./scorecard.js";
export { type ScrubOptions, scrub, teacherDivergence } from "./scrub.js";
export { averageTokenProbability, logProbability, meanLogProbability } from "./sequences.js";
export {
  type DescendOptions,
  DivergedError,
  type LossEntry,
  type UnlearnCost,
  type UnlearnSession,
  type UnlearnState,
  type UnlearnStep,
} from "./session.js";
export { maskedProblem, type PruneOptions, prune, pruneThenUnlearn } from "./sparse.js";
export { guidanceTerm, type SurgicalEraseOptions, surgicalErase } from "./surgical-erase.js";
export { type Unlearned, type Unlearner, type UnlearnRunOptions, unlearn } from "./unlearn.js";
export { type UnrollingError, type UnrollingErrorOptions, unrollingErrorBound } from "./unrolling-error.js";
export { gradientUpdate, type Update } from "./update.js";
export {
  type ConceptVector,
  type FindConceptOptions,
  findConceptVectors,
  type IntrinsicScore,
  intrinsicScore,
  logitLensTopK,
  mlpValueVectors,
  type ValueLocation,
} from "./value-vectors.js";
export { hasLabels, type Need, type UnlearnView } from "./view.js";
export { wasserstein1 } from "./wasserstein.js";
export {
  type ForgetSetProblem,
  type WorstCase,
  type WorstCaseOptions,
  type WorstCaseRound,
  type WorstCaseState,
  worstCaseForgetSet,
} from "./worst-case.js";
