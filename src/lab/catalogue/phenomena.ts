import type { Paper } from "./paper.js";

/** Family `phenomena`: grokking, memorisation, representations and other phenomena. */
export const phenomena: readonly Paper[] = [
  {
    slug: "neural-circuit-diagrams",
    family: "phenomena",
    kinds: ["tool"],
    title:
      "Neural Circuit Diagrams: Robust Diagrams for the Communication, Implementation, and Analysis of Deep Learning Architectures",
    year: 2024,
    claim:
      "One precise graphical language shows axes, data flow and broadcasting of deep networks together, so that architectures can be communicated, coded and analysed without ambiguity.",
  },
  {
    slug: "utility-probability-duality",
    family: "phenomena",
    kinds: ["theory", "phenomenon", "method"],
    title: "Utility-Probability Duality of Neural Networks",
    year: 2023,
    claim:
      "Maximum likelihood teaches a softmax network a utility that ranks outputs rather than their probability, which explains decoding paradoxes and suggests converting scores before probabilistic decisions.",
  },
  {
    slug: "out-of-domain-unlabeled",
    family: "phenomena",
    kinds: ["method", "theory"],
    title: "Out-Of-Domain Unlabeled Data Improves Generalization",
    year: 2024,
    claim:
      "Unlabelled samples from a slightly shifted distribution, used through distributionally robust self-training, provably improve on few labels as long as the shift is small.",
  },
  {
    slug: "grok-or-not",
    family: "phenomena",
    kinds: ["phenomenon", "measure", "method"],
    title: "To grok or not to grok: Disentangling generalization and memorization on corrupted algorithmic datasets",
    year: 2024,
    claim:
      "A network can memorise corrupted labels and still generalise on modular arithmetic, because the two live in different neurons that pruning or regularisation can separate.",
  },
  {
    slug: "lazy-to-rich",
    family: "phenomena",
    kinds: ["phenomenon", "theory", "measure"],
    title: "Grokking as the Transition from Lazy to Rich Training Dynamics",
    year: 2024,
    claim:
      "Grokking arises when training first behaves like regression with a badly aligned initial kernel and only later learns features, so output scale alone switches it on or off.",
  },
  {
    slug: "grokking-llm-pathways",
    family: "phenomena",
    kinds: ["phenomenon", "measure"],
    title: "Where to find Grokking in LLM Pretraining? Monitor Memorization-to-Generalization without Test",
    year: 2025,
    claim:
      "In mixture-of-experts pre-training, expert routes of already memorised data grow more shared and consistent, and these training-only signals track the later rise of test skills.",
  },
  {
    slug: "task-geometry",
    family: "phenomena",
    kinds: ["phenomenon", "measure"],
    title: "Task structure and nonlinearity jointly determine learned representational geometry",
    year: 2024,
    claim:
      "Hidden layers with tanh take on the geometry of the targets, whereas ReLU layers keep more of the input geometry, because their units specialise on parts of input space.",
  },
  {
    slug: "input-gradients",
    family: "phenomena",
    kinds: ["measure", "benchmark", "phenomenon", "theory"],
    title: "Do Input Gradients Highlight Discriminative Features?",
    year: 2021,
    claim:
      "The inputs that a standard network's gradients highlight need not be those that discriminate, whereas adversarially trained networks highlight genuinely discriminative ones.",
  },
  {
    slug: "long-tail-memorisation",
    family: "phenomena",
    kinds: ["theory", "measure"],
    title: "Does Learning Require Memorization? A Short Tale about a Long Tail",
    year: 2020,
    claim:
      "When rare subpopulations make up a long tail, near-optimal accuracy requires memorising the labels of single examples, so limits on memorisation hurt rare groups most.",
  },
  {
    slug: "xor-benign-grokking",
    family: "phenomena",
    kinds: ["theory", "phenomenon"],
    title: "Benign Overfitting and Grokking in ReLU Networks for XOR Cluster Data",
    year: 2024,
    claim:
      "After one large step a ReLU network fits noisy XOR clusters yet tests near chance, and later it tests near-optimally while still fitting the wrong labels.",
  },
  {
    slug: "degeneracy-interaction-basis",
    family: "phenomena",
    kinds: ["theory", "method", "measure"],
    title: "Using Degeneracy in the Loss Landscape for Mechanistic Interpretability",
    year: 2024,
    claim:
      "Networks are degenerate through dependent activations, dependent gradients and ReLUs that fire together, and a basis invariant to the first two should reveal sparser computation.",
  },
  {
    slug: "intrinsic-dimension",
    family: "phenomena",
    kinds: ["measure", "method"],
    title: "Measuring the Intrinsic Dimension of Objective Landscapes",
    year: 2018,
    claim:
      "Training inside a random low-dimensional subspace shows that many tasks need far fewer free directions than parameters, and this number barely changes with the network's size.",
  },
  {
    slug: "gradient-coherence",
    family: "phenomena",
    kinds: ["measure", "theory", "method"],
    title: "On the Generalization Mystery in Deep Learning",
    year: 2022,
    claim:
      "Networks generalise when per-example gradients agree; agreement is much higher on real labels than on random ones, and suppressing weakly supported directions reduces memorisation.",
  },
];
