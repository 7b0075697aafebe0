import { platform } from "#platform";
import { HebbError } from "../engine/errors.js";
import { decodeSafetensors, encodeSafetensors } from "../interop/safetensors.js";
import { packArrays, unpackArrays } from "./arrays.js";
import { canonicalJson } from "./json.js";
import { version } from "./version.js";

/** Where a cache keeps its entries: named blobs. */
export interface BlobStore {
  /** The bytes under `name`, or undefined when there are none. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Replaces the bytes under `name` as a whole. */
  write(name: string, bytes: Uint8Array): Promise<void>;
}

type Log = (message: string) => void;

/**
 * Trained models that studies share, addressed by content: the same configuration gives the same entry, whichever study
 * asks first. So the configuration must hold everything the model depends on: data, architecture, recipe, seed. (The
 * version of the library is added to it.)
 */
export class ModelCache {
  readonly #pending = new Map<string, Promise<Uint8Array>>();

  constructor(
    readonly store: BlobStore,
    readonly log: Log = () => {},
  ) {}

  /**
   * The entry of `config`, or what `build` makes, which is kept. An entry is any tree of plain objects and arrays with
   * `NDArray`s (await tensors first), numbers, strings, booleans and nulls at the leaves. What comes back is always read
   * from the stored form, so that a first and a later run see the same values. A damaged entry is built again; a store
   * that cannot be written costs only the reuse.
   */
  async get<T>(config: unknown, build: () => Promise<T>): Promise<T> {
    const key = canonicalJson({ hebb: version, config }, "cache key");
    // Two callers that ask for one model at the same time share one training.
    let entry = this.#pending.get(key);
    if (!entry) {
      entry = this.#load(key, build).finally(() => this.#pending.delete(key));
      this.#pending.set(key, entry);
    }
    return decodeEntry(await entry, key) as T;
  }

  async #load(key: string, build: () => Promise<unknown>): Promise<Uint8Array> {
    const name = `${await platform.sha256(new TextEncoder().encode(key))}.safetensors`;
    try {
      const stored = await this.store.read(name);
      if (stored) {
        decodeEntry(stored, key);
        return stored;
      }
    } catch (error) {
      this.log(`The cached model ${name} is unusable and will be built again: ${(error as Error).message}`);
    }
    const bytes = encodeEntry(await build(), key);
    try {
      await this.store.write(name, bytes);
    } catch (error) {
      this.log(`The model could not be kept for reuse: ${(error as Error).message}`);
    }
    return bytes;
  }
}

/** A cache in files, by default shared by all runs of this user. */
export function diskCache({
  dir = `${platform.cacheDir()}/models`,
  log,
}: {
  dir?: string;
  log?: Log;
} = {}): ModelCache {
  const store: BlobStore = {
    read: async (name) => ((await platform.exists(`${dir}/${name}`)) ? platform.readFile(`${dir}/${name}`) : undefined),
    write: async (name, bytes) => {
      await platform.mkdirp(dir);
      await platform.writeFileAtomic(`${dir}/${name}`, bytes);
    },
  };
  return new ModelCache(store, log);
}

/** A cache that lives as long as the process: for tests and pages. */
export function memoryCache(log?: Log): ModelCache {
  const blobs = new Map<string, Uint8Array>();
  const store: BlobStore = {
    read: async (name) => blobs.get(name),
    write: async (name, bytes) => void blobs.set(name, bytes),
  };
  return new ModelCache(store, log);
}

function encodeEntry(value: unknown, key: string): Uint8Array {
  const { text, arrays } = packArrays(value, "cached model");
  return encodeSafetensors(arrays, { key, value: text });
}

function decodeEntry(bytes: Uint8Array, key: string): unknown {
  const { tensors, metadata } = decodeSafetensors(bytes, "cached model");
  if (metadata.key !== key) throw new HebbError("the entry belongs to another configuration");
  return unpackArrays(metadata.value, tensors, "cached model");
}
