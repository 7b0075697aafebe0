import type { Paper } from "./paper.js";

/** Family `continual`: continual and lifelong learning. */
export const continual: readonly Paper[] = [
  {
    slug: "liquid-link-load",
    family: "continual",
    kinds: ["method", "architecture", "benchmark"],
    title:
      "Liquid Neural Network-based Adaptive Learning vs. Incremental Learning for Link Load Prediction amid Concept Drift due to Network Failures",
    year: 2024,
    claim:
      "Under drastic traffic shifts after network failures, a liquid neural network predicts link load better than a conventional model that is updated incrementally.",
  },
  {
    slug: "prototype-sample-relation-distillation",
    family: "continual",
    kinds: ["method"],
    title: "Prototype-Sample Relation Distillation: Towards Replay-Free Continual Learning",
    year: 2023,
    claim:
      "Keeping how class prototypes relate to current samples while learning a contrastive representation prevents forgetting without any stored data, even against methods with large buffers.",
  },
  {
    slug: "continual-learning-survey",
    family: "continual",
    kinds: ["survey", "benchmark", "measure"],
    title: "A Comprehensive Survey of Continual Learning: Theory, Method and Application",
    year: 2024,
    claim:
      "Continual learning is a trade between stability, plasticity and generalisation under limited resources, and its methods fall into five groups with typical strengths in each scenario.",
  },
  {
    slug: "stability-gap",
    family: "continual",
    kinds: ["phenomenon", "measure"],
    title: "Continual evaluation for lifelong learning: Identifying the stability gap",
    year: 2023,
    claim:
      "Evaluated at every step, continual learners that look stable forget sharply right after each task change and then recover, a drop that end-of-task evaluation hides.",
  },
  {
    slug: "large-continual-instruction-assistant",
    family: "continual",
    kinds: ["method"],
    title: "Large Continual Instruction Assistant",
    year: 2025,
    claim:
      "Choosing the moving-average rate from gradients at every step, instead of fixing it, balances old and new skills better when multimodal models learn instructions continually.",
  },
  {
    slug: "view-batch-rest",
    family: "continual",
    kinds: ["method"],
    title: "Do Your Best and Get Enough Rest for Continual Learning",
    year: 2025,
    claim:
      "Seeing each example in several views at once but at longer intervals, with agreement between the views, improves memory retention in many continual learners.",
  },
  {
    slug: "lifelong-b-values",
    family: "continual",
    kinds: ["method", "theory"],
    title: "A Deep Learning Framework for Lifelong Machine Learning",
    year: 2021,
    claim:
      "One set of per-weight consolidation strengths, raised and lowered by policy, is enough to obtain non-forgetting, transfer in both directions and few-shot learning.",
  },
  {
    slug: "few-shot-continual-brain",
    family: "continual",
    kinds: ["method", "benchmark"],
    title: "Few-shot Continual Learning: a Brain-inspired Approach",
    year: 2021,
    claim:
      "Continual training harms few-shot generalisation, but two coupled weight sets, one fast for the tasks and one slow for new classes, can improve both together.",
  },
  {
    slug: "rehearsal-free-closer-look",
    family: "continual",
    kinds: ["benchmark", "measure", "method"],
    title: "A Closer Look at Rehearsal-Free Continual Learning",
    year: 2023,
    claim:
      "Without stored examples, penalising parameter change can work for class-incremental learning, and from a pretrained model plain L2 beats more elaborate regularisers.",
  },
  {
    slug: "coda-prompt",
    family: "continual",
    kinds: ["method", "architecture"],
    title: "CODA-Prompt: COntinual Decomposed Attention-based Prompting for Rehearsal-Free Continual Learning",
    year: 2023,
    claim:
      "Composing prompts as attention-weighted sums of learned components, trained end to end, reduces forgetting more than choosing prompts from a pool by key matching.",
  },
  {
    slug: "discrete-key-value-bottleneck",
    family: "continual",
    kinds: ["architecture", "method", "theory"],
    title: "Discrete Key-Value Bottleneck",
    year: 2023,
    claim:
      "Passing frozen features through fixed discrete keys with trainable values makes updates local, so a model learns new classes with little forgetting and no task boundaries.",
  },
];
