import { describe, expect, it } from "vitest";
import { HebbError } from "../../src/engine/errors.js";
import { inBatches } from "../../web/src/worker/batches.js";
import { Caller, type CallTools, serve } from "../../web/src/worker/calls.js";
import { inWords, sentences } from "../../web/src/worker/words.js";

function pair() {
  const { port1, port2 } = new MessageChannel();
  const functions = {
    add: (_: CallTools, a: number, b: number) => a + b,
    fail: async () => Promise.reject(new HebbError("It broke.")),
    count: async ({ send, signal }: CallTools<number>) => {
      for (let i = 0; !signal.aborted; i++) {
        send(i);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return "stopped";
    },
  };
  serve(port1 as any, functions);
  const close = () => port1.close();
  return { caller: new Caller<typeof functions>(port2 as any), close };
}

describe("calls through a port", () => {
  it("give values and errors back, each to its own call", async () => {
    const { caller, close } = pair();
    const sums = await Promise.all([1, 2, 3].map((n) => caller.call("add", [n, n])));
    expect(sums).toEqual([2, 4, 6]);
    await expect(caller.call("fail", [])).rejects.toThrow(/^It broke\.$/);
    await expect(caller.call("none" as never, [] as never)).rejects.toThrow();
    close();
  });

  it("send values before the end, and end when they are asked to", async () => {
    const { caller, close } = pair();
    const enough = new AbortController();
    const parts: number[] = [];
    const onPart = (n: number) => {
      parts.push(n);
      if (n === 3) enough.abort();
    };
    expect(await caller.call("count", [], { onPart, signal: enough.signal })).toBe("stopped");
    expect(parts.slice(0, 4)).toEqual([0, 1, 2, 3]);
    expect(await caller.call("count", [], { signal: AbortSignal.abort() })).toBe("stopped");
    close();
  });

  it("fail, those under way and those to come, once the other side is lost", async () => {
    const { caller, close } = pair();
    const running = caller.call("count", []);
    caller.lose(new Error("gone"));
    await expect(running).rejects.toThrow("gone");
    await expect(caller.call("add", [1, 1])).rejects.toThrow("gone");
    close();
  });
});

describe("batches", () => {
  it("send everything once, in order, and never too much at a time", async () => {
    const sent: number[][] = [];
    const pieces = inBatches<number>((some) => sent.push([...some]), 5);
    pieces.add([0, 1]);
    pieces.add([2]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(sent).toEqual([[0, 1, 2]]);
    const many = Array.from({ length: 9000 }, (_, i) => i);
    pieces.add(many);
    await pieces.end();
    expect(sent.slice(1).flat()).toEqual(many);
    expect(Math.max(...sent.map(({ length }) => length))).toBeLessThanOrEqual(2000);
  });
});

describe("errors of a run in words", () => {
  it("know the ways in which browsers and the runtime say that memory is not enough", () => {
    for (const message of [
      "std::bad_alloc",
      "ONNX Runtime (wasm) failed: failed to call OrtRun(). ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc",
      "Array buffer allocation failed",
      "Invalid array buffer length",
      "Invalid typed array length: 4294967296",
      "WebAssembly.Memory.grow(): Maximum memory size exceeded",
      "Out of memory",
      "memory access out of bounds",
    ]) {
      expect(inWords(new Error(message)).message, message).toBe(sentences.memory);
    }
  });

  it("know that a part could not be loaded, and leave every other error as it is", () => {
    for (const message of [
      "Failed to fetch dynamically imported module: http://localhost/x.js",
      "error loading dynamically imported module: http://localhost/x.js",
      "Importing a module script failed.",
      "no available backend found. ERR: [wasm] TypeError",
    ]) {
      expect(inWords(new TypeError(message)).message, message).toBe(sentences.loading);
    }
    for (const reason of ["Failed to fetch", "Load failed", "NetworkError when attempting to fetch resource."]) {
      const own = new HebbError(`Could not download https://x: ${reason}.`);
      expect(inWords(own)).toBe(own);
    }
  });
});
