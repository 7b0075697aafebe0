import type { Paper } from "./paper.js";

/** Family `science`: inverse problems, solvers and operators for science. */
export const science: readonly Paper[] = [
  {
    slug: "learned-proximal-networks",
    family: "science",
    kinds: ["architecture", "method", "theory"],
    title: "What's in a Prior? Learned Proximal Networks for Inverse Problems",
    year: 2024,
    claim:
      "Networks built as exact proximal operators and trained by proximal matching recover the true log-prior, which gives convergent image restoration close to the state of the art.",
  },
  {
    slug: "physics-hard-constraints-moe",
    family: "science",
    kinds: ["method"],
    title: "Scaling physics-informed hard constraints with mixture-of-experts",
    year: 2024,
    claim:
      "Splitting a hard physics constraint into regions, each solved by its own expert, gives lower error, steadier training and faster runs than soft penalties or one global constraint.",
  },
  {
    slug: "deep-conjugate-direction",
    family: "science",
    kinds: ["method"],
    title: "A Deep Conjugate Direction Method for Iteratively Solving Linear Systems",
    year: 2023,
    claim:
      "A network trained without solutions to propose search directions solves large pressure systems in few iterations, on domains it never saw, faster than conjugate gradients.",
  },
  {
    slug: "neural-scene-flow-prior",
    family: "science",
    kinds: ["method", "phenomenon"],
    title: "Neural Scene Flow Prior",
    year: 2021,
    claim:
      "An untrained multilayer perceptron fitted at run time is itself enough of a prior to estimate scene flow as well as or better than trained methods.",
  },
  {
    slug: "mgno-multigrid-operator",
    family: "science",
    kinds: ["architecture"],
    title: "MgNO: Efficient Parameterization of Linear Operators via Multigrid",
    year: 2024,
    claim:
      "Parameterising the linear maps of a neural operator by multigrid cycles gives accurate solutions with fewer parameters, less overfitting and boundary conditions built in.",
  },
  {
    slug: "learning-to-relax",
    family: "science",
    kinds: ["theory", "method"],
    title: "Learning to Relax: Setting Solver Parameters Across a Sequence of Linear System Instances",
    year: 2024,
    claim:
      "A bandit that sees only iteration counts can set the relaxation parameter over a sequence of linear systems almost as well as the best fixed or context-dependent choice.",
  },
];
