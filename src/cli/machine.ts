import { availableParallelism, hostname, totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { platform } from "#platform";

/** What a process takes of its machine, and what there is. */
export interface Resources {
  readonly threads: number;
  readonly bytes: number;
}

/** Of the memory there is. */
const memoryShare = 0.8;

/** The memory that programs may use: most of a container's limit, or of the machine's. */
export const usableMemory = (): number =>
  memoryShare * Math.min(totalmem(), process.constrainedMemory?.() || Number.POSITIVE_INFINITY);

/** What a process is taken to need before one has been watched. */
export const firstGuessBytes = 2 ** 29;

/** What a single run takes: all cores, unless told otherwise. */
export const ofOneRun = (threads = availableParallelism()): Resources => ({ threads, bytes: firstGuessBytes });

export interface MachineOptions {
  /** Where the tickets are: one folder for all programs of this user and machine. */
  readonly folder?: string;
  readonly limits?: Resources;
  /** Takes one sentence when the folder cannot be used. */
  readonly log?: (message: string) => void;
}

/** A place in the queue for threads and memory. */
export interface Ticket {
  /** Whether it is this one's turn; once true it stays so. */
  isGranted(): Promise<boolean>;
  release(): Promise<void>;
}

/** A ticket as its file's name has it, and the process that it belongs to. */
interface Entry extends Resources {
  readonly file: string;
  readonly number: number;
}

const entering = "entering";

/** How often, and how far apart, one looks whether all who draw a number have drawn it. */
const mostLooks = 50;
const pauseMilliseconds = 10;

/**
 * The threads and the memory of this machine, shared by all programs of this user that compute. Each process that wants
 * some puts an empty file into one folder, whose name says all: `<number>~<threads>~<bytes>~<process>~<birth>~<random>`.
 * The numbers make a queue: a ticket is granted when it fits together with all tickets before it, or is the first. So
 * whoever asks for much is not overtaken for ever by those who ask for little.
 *
 * Numbers are drawn as in Lamport's bakery algorithm (1974): while a process looks for the highest one, another file says
 * so, and the others wait for it, so that nobody gets a number before one that was granted already. Tickets of processes
 * that are gone are cleared away.
 */
export class Machine {
  readonly #folder: string;
  readonly #limits: Resources;
  readonly #log: (message: string) => void;

  constructor({ folder, limits, log = () => {} }: MachineOptions = {}) {
    this.#folder = folder ?? `${platform.cacheDir()}/machine/${hostname()}`;
    this.#limits = limits ?? { threads: availableParallelism(), bytes: usableMemory() };
    this.#log = log;
  }

  /** Queues up for a share of the machine. Where the folder cannot be written, everybody has what they ask for. */
  async queue(wanted: Resources): Promise<Ticket> {
    try {
      const own = await ownName();
      const door = `${this.#folder}/${entering}~${own}`;
      await platform.mkdirp(this.#folder);
      await platform.appendFile(door, "");
      try {
        const { entries } = await this.#look();
        return await this.#put(1 + Math.max(0, ...entries.map(({ number }) => number)), wanted, own);
      } finally {
        await platform.remove(door);
      }
    } catch (error) {
      return this.#withoutQueue(error);
    }
  }

  /** Takes a share at once, for somebody who waits at a terminal: those in the queue hold back. */
  async take(wanted: Resources): Promise<Ticket> {
    try {
      await platform.mkdirp(this.#folder);
      return await this.#put(0, wanted, await ownName());
    } catch (error) {
      return this.#withoutQueue(error);
    }
  }

  async #put(number: number, { threads, bytes }: Resources, own: string): Promise<Ticket> {
    const file = [number, threads, Math.ceil(bytes), own].join("~");
    const path = `${this.#folder}/${file}`;
    await platform.appendFile(path, "");
    let granted = number === 0;
    return {
      isGranted: async () => {
        // Without the folder, which somebody may have cleared away, there is nobody to wait for.
        granted ||= await this.#isNext(file).catch(() => true);
        return granted;
      },
      release: () => platform.remove(path).catch(() => {}),
    };
  }

  async #isNext(file: string): Promise<boolean> {
    // That takes a moment, unless its process is stopped or the machine very busy.
    for (let looks = 0; (await this.#look()).someoneEnters; looks++) {
      if (looks === mostLooks) return false;
      await sleep(pauseMilliseconds);
    }
    // Whoever had entered has put down a ticket by now.
    const { entries } = await this.#look();
    const upTo = entries.slice(0, 1 + entries.findIndex((entry) => entry.file === file));
    const total = (of: keyof Resources) => upTo.reduce((sum, entry) => sum + entry[of], 0);
    return upTo.length === 1 || (total("threads") <= this.#limits.threads && total("bytes") <= this.#limits.bytes);
  }

  /** The tickets of living processes, in their order. */
  async #look(): Promise<{ readonly entries: readonly Entry[]; readonly someoneEnters: boolean }> {
    const entries: Entry[] = [];
    let someoneEnters = false;
    for (const file of await platform.listDir(this.#folder)) {
      const parts = file.split("~");
      const [pid, birth] = parts.slice(-3);
      const owner = { host: hostname(), pid: Number(pid), started: "", birth: birth || undefined };
      if ((await platform.processRuns(owner)) === false) await platform.remove(`${this.#folder}/${file}`);
      else if (parts[0] === entering) someoneEnters = true;
      else entries.push({ file, number: Number(parts[0]), threads: Number(parts[1]), bytes: Number(parts[2]) });
    }
    entries.sort((a, b) => a.number - b.number || (a.file < b.file ? -1 : 1));
    return { entries, someoneEnters };
  }

  #withoutQueue(error: unknown): Ticket {
    this.#log(`Other programs cannot be told what this one uses. ${(error as Error).message}`);
    return { isGranted: async () => true, release: async () => {} };
  }
}

/** The end of a ticket's name. */
async function ownName(): Promise<string> {
  const { pid, birth = "" } = await platform.processIdentity();
  return [pid, birth, crypto.randomUUID()].join("~");
}
