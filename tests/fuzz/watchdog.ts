import { Worker } from "node:worker_threads";

/** Before the bytes of an input stand a counter and its length, which is negative when nothing is read. */
const header = 8;

/** Waiting for nothing, without using the processor, is a hang only after so many milliseconds: others may be busy. */
const patience = 600_000;

/** Looks twice a second whether the same input is still being read, and ends the process when it has been for too long. */
const program = `
const { workerData: { shared, milliseconds } } = require("node:worker_threads");
const { writeFileSync } = require("node:fs");
const counter = new Int32Array(shared, 0, 2);
const used = () => (process.cpuUsage().user + process.cpuUsage().system) / 1000;
let last, since, from;
setInterval(() => {
  const [count, length] = counter;
  if (count !== last) [last, since, from] = [count, Date.now(), used()];
  else if (length >= 0 && (used() - from > milliseconds || Date.now() - since > ${patience})) {
    const path = require("node:os").tmpdir() + "/hebb-fuzz-hang-" + process.pid;
    writeFileSync(path, new Uint8Array(shared, ${header}, length));
    writeFileSync(2, "reading hangs: " + length + " bytes in " + path + "\\n");
    process.kill(process.pid, "SIGKILL");
  }
}, 500);
`;

/** Ends the process, and keeps the input, when the reading of one does not end: nothing within the thread itself could. */
export class Watchdog {
  readonly #shared = new SharedArrayBuffer(header + 2 ** 15);
  readonly #counter = new Int32Array(this.#shared, 0, 2);
  readonly #bytes = new Uint8Array(this.#shared, header);
  readonly #worker: Worker;

  /** `milliseconds` of processor time. */
  constructor(milliseconds: number) {
    this.rest();
    this.#worker = new Worker(program, { eval: true, workerData: { shared: this.#shared, milliseconds } });
    this.#worker.unref();
  }

  /** These bytes are about to be read. */
  watch(bytes: Uint8Array): void {
    this.#counter[1] = -1;
    this.#bytes.set(bytes);
    this.#counter[0]++;
    this.#counter[1] = bytes.length;
  }

  /** Nothing is being read. */
  rest(): void {
    this.#counter[1] = -1;
  }

  close(): Promise<number> {
    return this.#worker.terminate();
  }
}
