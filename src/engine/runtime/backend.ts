import type { DType, NDArray } from "../dtype.js";

/** A value that lives with a backend between calls. */
export interface DeviceValue {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly backend: Backend;
  /** The value itself, where it lies in host memory: not to be kept, for it changes once the value is given away. */
  readonly array?: NDArray;
  /** How many runs read it just now or are about to. */
  readonly readers?: number;
  /** Copies the value to host memory. */
  read(): Promise<NDArray>;
  /** Lets go of the memory; the value must not be used again. */
  release(): void;
}

/** A compiled model, ready to run. */
export interface Executable {
  /**
   * Runs on values in the order of the model's inputs. `reuse` offers buffers, by output position, that nobody needs any
   * more; a backend may write results into them. Inputs that are `owned` may themselves be written over, and come back as
   * results.
   */
  run(
    inputs: readonly DeviceValue[],
    reuse?: readonly (DeviceValue | undefined)[],
    owned?: ReadonlySet<DeviceValue>,
  ): Promise<DeviceValue[]>;
  dispose(): void;
}

/** What executes ONNX models: the only thing that the engine asks of a runtime. */
export interface Backend {
  readonly name: string;
  /**
   * Whether it computes on a device with memory of its own: graphs then avoid what has no kernel there, and small values
   * pass the border each alone, to stay there. Default false.
   */
  readonly device?: boolean;
  /** Whether all its values have an `array`, and count their `readers`. Default false. */
  readonly inHostMemory?: boolean;
  /** Whether it may have ONNX Runtime's blocked convolutions, which only native builds have. Default false. */
  readonly mayBlock?: boolean;
  compile(model: Uint8Array, signature: Signature): Promise<Executable>;
  /** Takes a host array over; backends in host memory do not copy. */
  write(array: NDArray): DeviceValue;
}

/** A tensor at the border of a model: one of the values that go in or out, or several, each flat and behind one another. */
export interface Port {
  readonly name: string;
  readonly dtype: DType;
  /** The values, by their position among the model's inputs or outputs. */
  readonly values: readonly { readonly index: number; readonly shape: readonly number[] }[];
}

export interface Signature {
  readonly inputs: readonly Port[];
  /** Whether float64 occurs anywhere in the graph. */
  readonly double: boolean;
  /** Whether the model will run only once or a few times, so that a quick start counts more than speed. */
  readonly once: boolean;
  /** Whether no operation is worth dividing among threads. */
  readonly small?: boolean;
  /** Whether threads may wait for work by spinning, which is faster where operations follow closely. Default true. */
  readonly spin?: boolean;
  /** A result that is written into an offered buffer has that buffer's shape. */
  readonly outputs: readonly Port[];
}

export interface BackendOptions {
  /** Threads for one operation. Default: all cores. */
  readonly threads?: number;
}
