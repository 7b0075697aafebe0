import { describe, expect, it } from "vitest";
import { jit, matmul, ones, setBackend, type Tensor, tanh } from "../../src/engine/index.js";
import { Turns } from "../../src/engine/runtime/turns.js";

/** Whether threads rest after `count` runs that one of `sessions` each makes in turn, `gap` milliseconds apart. */
function restAfter(turns: Turns, sessions: readonly object[], count: number, gap = 1, from = 0): boolean {
  let rest = false;
  for (let i = 0; i < count; i++) {
    rest = turns.start(sessions[i % sessions.length], from + i * gap);
    turns.end(from + i * gap);
  }
  return rest;
}
const [a, b] = [{}, {}];

describe("threads of sessions", () => {
  it("spin while one session runs in a loop, also when another looks in now and then", () => {
    expect(restAfter(new Turns(), [a], 10_000)).toBe(false);
    expect(restAfter(new Turns(), [...Array(9).fill(a), b], 10_000)).toBe(false);
  });

  it("rest when two alternate, and spin again when one of them stays alone", () => {
    const turns = new Turns();
    expect(restAfter(turns, [a, b], 20)).toBe(false);
    expect(restAfter(turns, [a, b], 100)).toBe(true);
    expect(restAfter(turns, [a], 50)).toBe(true);
    expect(restAfter(turns, [a], 1000)).toBe(false);
  });

  it("spin when there is time enough between two sessions", () => {
    expect(restAfter(new Turns(), [a, b], 1000, 100)).toBe(false);
  });
});

it("two functions that alternate give the same results before and after their threads were told to rest", async () => {
  setBackend("node", { threads: 2 });
  const x = ones([128, 128]);
  const [f, g] = [(t: Tensor) => tanh(matmul(t, t)), (t: Tensor) => matmul(tanh(t), t)].map((h) => jit(h));
  const values = async () => [...(await (await f(x)).data()), ...(await (await g(x)).data())];
  const first = await values();
  for (let i = 0; i < 60; i++) await values();
  expect(await values()).toEqual(first);
});
