import { random, setBackend } from "../../src/engine/index.js";
import { getBackend } from "../../src/engine/runtime/index.js";
import { randomNumbers, trainingLosses } from "./workload.js";

/** What the test calls inside the page. */
const hebb = {
  randomNumbers,
  trainingLosses,
  backend: async () => (await getBackend()).name,
  nativeBackend: async () => {
    setBackend("node");
    try {
      await random.key(1).add(random.key(2)).data();
      return "it ran";
    } catch (error) {
      return String((error as Error).message);
    } finally {
      setBackend("wasm");
    }
  },
};
export type Page = typeof hebb;
Object.assign(globalThis, { hebb });
document.title = "ready";
