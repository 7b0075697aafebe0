import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import { serverPlace } from "../../web/src/places/server.js";

let server: Server;
afterEach(() => {
  vi.unstubAllGlobals();
  server.closeAllConnections();
  server.close();
});

const job = { id: "1", request: { slug: "tiny-claim", scale: "smoke" }, state: "running", ahead: 0, created: "" };
const lines = ["running", "running", "running", "done"].map((state, at) =>
  JSON.stringify({ at, time: 0, event: { type: "job", job: { ...job, state } } }),
);

/** A server that answers each request for events with the next of `answers`. */
async function place(...answers: ((from: number) => { status?: number; text: string; breaks?: boolean })[]) {
  const asked: number[] = [];
  server = createServer((request, response) => {
    const from = Number(new URL(request.url!, "http://x").searchParams.get("from"));
    const { status = 200, text, breaks } = answers[asked.push(from) - 1](from);
    response.writeHead(status).write(text, () => (breaks ? setTimeout(() => response.destroy(), 50) : response.end()));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  vi.stubGlobal("document", { baseURI: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
  return { asked, place: serverPlace() };
}

it("goes on from the event it had last when the connection breaks in the middle of a line", async () => {
  const made = await place(
    () => ({ text: `${lines[0]}\n\n${lines[1]}\n${lines[2].slice(0, 20)}`, breaks: true }),
    (from) => ({ text: `${lines.slice(from).join("\n")}\n` }),
  );
  const seen: number[] = [];
  await made.place.watch("1", ({ at }) => seen.push(at));
  expect(seen).toEqual([0, 1, 2, 3]);
  expect(made.asked).toEqual([0, 2]);
});

it("does not ask again for what the server refuses, and says why", async () => {
  const made = await place(() => ({ status: 400, text: JSON.stringify({ error: "There is no job 1." }) }));
  await expect(made.place.watch("1", () => {})).rejects.toThrow("There is no job 1.");
  expect(made.asked).toEqual([0]);
});
