import { toBinary } from "@bufbuild/protobuf";
import { emitModel, type Graph, normalise } from "./compile.js";
import type { Body } from "./control/body.js";
import { bodiesOf, bodyGraph, needsHost } from "./control/body.js";
import type { NDArray } from "./dtype.js";
import { prefersBlocks } from "./onnx/blocked-conv.js";
import { ModelProtoSchema } from "./onnx/onnx_pb.js";
import { convPrimitive } from "./primitives/conv.js";
import type { Backend, DeviceValue, Executable } from "./runtime/backend.js";
import { convolutionBlock } from "./runtime/blocks.js";
import type { HostTools } from "./runtime/host.js";
import { getBackend, onBackend } from "./runtime/index.js";
import { hostProducts } from "./runtime/products.js";
import { cutAtHost } from "./segments.js";
import { tailed } from "./tail/execute.js";
import { splitTail } from "./tail/find.js";
import type { Tensor } from "./tensor.js";

/** A graph compiled for a backend: the arguments that it really uses, by position, then its captured leaves. */
export interface Program {
  readonly executable: Executable;
  /** Positions in the list of arguments of the first inputs; captured leaves follow. */
  readonly uses: readonly number[];
}

const limit = 256;
const caches = new WeakMap<Backend, Map<string, Promise<Program>>>();

/**
 * Compiles a graph, or finds it: two functions that trace to the same computation share one session. A graph that will
 * run `once` is not worth the runtime's optimisation, which takes longer than it saves.
 */
export function compileGraph(
  backend: Backend,
  graph: Graph,
  args: readonly Tensor[],
  { once = false }: { once?: boolean } = {},
): Promise<Program> {
  let cache = caches.get(backend);
  if (!cache) caches.set(backend, (cache = new Map()));
  const key = once ? `once:${graph.hash}` : graph.hash;
  const found = cache.get(key);
  if (found) {
    // Moves it to the young end of the insertion order.
    cache.delete(key);
    cache.set(key, found);
    return found;
  }
  const compiled = (async (): Promise<Program> => {
    const present = new Set(graph.order);
    const used = [...args.filter((t) => present.has(t)), ...graph.captures];
    const compile = async (part: Graph, inputs: readonly Tensor[]): Promise<Executable> => {
      const { device } = backend;
      const block = once || device || !mayUseBlocks(part) ? 0 : await convolutionBlock(backend);
      const { model, signature } = emitModel(part, inputs, { pack: !once && !device, device, block });
      return backend.compile(toBinary(ModelProtoSchema, model), { ...signature, once });
    };
    const whole = async (part: Graph, inputs: readonly Tensor[]): Promise<Executable> =>
      part.order.some(needsHost)
        ? cutAtHost(backend, part, inputs, compile, hostTools(backend))
        : compile({ ...part, captures: [] }, inputs);
    const split = once || !backend.inHostMemory ? undefined : splitTail(graph);
    const executable = split
      ? await tailed(backend, split, used, graph.outputs, (inputs) => whole(split.head, inputs))
      : await whole(graph, used);
    return { executable, uses: used.slice(0, used.length - graph.captures.length).map((t) => args.indexOf(t)) };
  })();
  compiled.catch(() => cache.delete(key));
  cache.set(key, compiled);
  if (cache.size > limit) {
    // The oldest session is let go, not released: someone may still hold and run it; the collector ends it.
    cache.delete(cache.keys().next().value!);
  }
  return compiled;
}

/** Whether some convolution would run in blocks of 8 channels; those that would in larger ones are among them. */
const mayUseBlocks = ({ order }: Graph): boolean =>
  order.some(({ node: { primitive, inputs, attrs } }) =>
    primitive === convPrimitive
      ? prefersBlocks({ x: inputs[0], w: inputs[1], groups: attrs.groups }, 8)
      : bodiesOf(attrs).some((b) => mayUseBlocks(bodyGraph(b))),
  );

/** Runs a graph that has no captures on host arrays. */
async function evaluate(
  backend: Backend,
  graph: Graph,
  params: readonly Tensor[],
  args: readonly NDArray[],
): Promise<NDArray[]> {
  const { executable, uses } = await compileGraph(backend, graph, params);
  const results = await executable.run(uses.map((i) => backend.write(args[i])));
  const arrays = await Promise.all(results.map((r) => r.read()));
  return graph.places.map((place) => arrays[place]);
}

const tools = new WeakMap<Backend, HostTools>();
function hostTools(backend: Backend): HostTools {
  let own = tools.get(backend);
  if (!own) {
    own = {
      evaluate: (body: Body, args) => evaluate(backend, bodyGraph(body), body.params, args),
      matmul: hostProducts(backend),
    };
    tools.set(backend, own);
  }
  return own;
}

/** One value for each output: outputs that are the same tensor get copies, so that each can be given away alone. */
export async function spread(
  backend: Backend,
  results: readonly DeviceValue[],
  places: readonly number[],
): Promise<DeviceValue[]> {
  const values: DeviceValue[] = [];
  const taken = new Set<number>();
  for (const place of places) {
    values.push(taken.has(place) ? backend.write(await results[place].read()) : results[place]);
    taken.add(place);
  }
  return values;
}

/** Computes tensors together and turns them into leaves that hold their values; returns those in host memory. */
export async function realise(tensors: readonly Tensor[]): Promise<NDArray[]> {
  const pending = tensors.filter((t) => t.value === undefined);
  if (pending.length > 0) {
    const backend = await getBackend();
    const graph = normalise(pending, []);
    const { executable } = await compileGraph(backend, graph, [], { once: true });
    const values = await Promise.all(graph.captures.map((t) => onBackend(backend, t.value!)));
    const results = await spread(backend, await executable.run(values), graph.places);
    pending.forEach((t, i) => {
      t.settle(results[i]);
    });
  }
  return Promise.all(tensors.map(async (t) => ("backend" in t.value! ? t.value.read() : t.value!)));
}
