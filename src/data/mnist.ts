import { cacheDir, download, environmentVariable, mkdirp, readFile, writeFileAtomic } from "#platform";
import type { NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import type { Dataset, TrainTest } from "./dataset.js";
import { findIdx, readIdxPair } from "./idx.js";
import { scaledPixels } from "./pixels.js";

export interface LoadOptions {
  /** A directory with the four files, gzipped or plain; no other place is looked at. */
  readonly path?: string;
  /** Whether to download the set when it is not on this machine; true by default. */
  readonly download?: boolean;
  /** Called as a download goes on. */
  readonly onProgress?: (progress: FileProgress) => void;
  readonly signal?: AbortSignal;
}

export interface FileProgress {
  readonly file: string;
  readonly received: number;
  readonly total?: number;
}

/** A data set in the four files of MNIST. */
interface MnistSet {
  readonly name: string;
  readonly title: string;
  readonly licence: string;
  readonly source: string;
  readonly classNames: readonly string[];
  /** Where operating systems install the set. */
  readonly systemDirs: readonly string[];
  /** How to get it without a download, for the error message. */
  readonly advice?: string;
  readonly mirrors: readonly string[];
  /** SHA-256 of each file of `files`, gzipped as its authors published it. */
  readonly sha256: readonly string[];
}

const files = [
  "train-images-idx3-ubyte",
  "train-labels-idx1-ubyte",
  "t10k-images-idx3-ubyte",
  "t10k-labels-idx1-ubyte",
] as const;

export const fashionMnistSet: MnistSet = {
  name: "fashion-mnist",
  title: "Fashion-MNIST",
  licence: "MIT",
  source:
    "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST, Zalando Research, 2017, https://github.com/zalandoresearch/fashion-mnist",
  classNames: [
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
  ],
  systemDirs: ["/usr/share/datasets/fashion-mnist"],
  advice: "apt install dataset-fashion-mnist",
  mirrors: [
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
  ],
  sha256: [
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
  ],
};

export const mnistSet: MnistSet = {
  name: "mnist",
  title: "MNIST",
  licence: "CC BY-SA 3.0",
  source:
    "Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits, 1998, http://yann.lecun.com/exdb/mnist",
  classNames: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
  systemDirs: [],
  mirrors: ["https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"],
  sha256: [
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
  ],
};

/** No file of either set is longer. */
const longestDownload = 32 * 1024 * 1024;

/**
 * Fashion-MNIST: 60,000 images to train on and 10,000 to test, ten classes of clothing, `x` float32 `[n, 28, 28]` in
 * [0, 1].
 *
 * Looked for in `path`, or else in `$HEBB_DATA/fashion-mnist`, Hebb's cache, and Debian's package
 * `dataset-fashion-mnist`; when it is in none of them it is downloaded into the cache and checked by SHA-256. Throws
 * `HebbError` when it cannot be had or a file is damaged, and the signal's reason when aborted.
 *
 * Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
 * algorithms", 2017, arXiv 1708.07747; MIT licence.
 */
export const fashionMnist = (options: LoadOptions = {}): Promise<TrainTest> => load(fashionMnistSet, options);

/**
 * MNIST: 60,000 images of handwritten digits to train on and 10,000 to test, `x` float32 `[n, 28, 28]` in [0, 1]. Found
 * and fetched as `fashionMnist` is, under the name `mnist`.
 *
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998; CC BY-SA 3.0.
 */
export const mnist = (options: LoadOptions = {}): Promise<TrainTest> => load(mnistSet, options);

async function load(set: MnistSet, options: LoadOptions): Promise<TrainTest> {
  const directory = await obtainMnist(set, options);
  const part = async (images: string, labels: string, name: string): Promise<Dataset> => {
    options.signal?.throwIfAborted();
    const [imagesPath, labelsPath] = await Promise.all([images, labels].map((file) => findFile(set, directory, file)));
    return readIdxPair(imagesPath, labelsPath, {
      name: `${set.name} ${name}`,
      classes: 10,
      classNames: set.classNames,
      licence: set.licence,
      source: set.source,
      transform: (x) => toImages(x, imagesPath),
    });
  };
  return { train: await part(files[0], files[1], "train"), test: await part(files[2], files[3], "test") };
}

function toImages(x: NDArray, path: string): NDArray {
  if (x.dtype !== "uint8" || x.shape.length !== 3 || x.shape[1] !== 28 || x.shape[2] !== 28) {
    throw new HebbError(`${path}: expected images (uint8 [n,28,28]), found ${x.dtype} of shape [${x.shape}].`);
  }
  return scaledPixels(x, 255);
}

/** The first directory that holds the whole set, if any; only `path` where one is given. */
export async function locateMnist(set: MnistSet, path?: string): Promise<string | undefined> {
  const own = environmentVariable("HEBB_DATA");
  const everywhere = [...(own ? [`${own}/${set.name}`] : []), cacheOf(set), ...set.systemDirs];
  for (const directory of path === undefined ? everywhere : [path]) {
    const found = await Promise.all(files.map((file) => findIdx(directory, file)));
    if (found.every((file) => file !== undefined)) return directory;
  }
  return undefined;
}

/** A directory that holds the whole set, after a download if need be. */
export async function obtainMnist(set: MnistSet, options: LoadOptions = {}): Promise<string> {
  const directory = options.path ?? (await locateMnist(set));
  if (directory !== undefined) return directory;
  if (options.download === false) throw new HebbError(`${set.title} is not on this machine: ${advice(set)}.`);
  return fetchMnist(set, options);
}

/** Copies the set from a directory into Hebb's cache, once its files have been read through without a fault. */
export async function installMnist(set: MnistSet, path: string): Promise<string> {
  await load(set, { path });
  const target = cacheOf(set);
  await mkdirp(target);
  for (const file of files) {
    const from = await findFile(set, path, file);
    const to = `${target}/${file}${from.endsWith(".gz") ? ".gz" : ""}`;
    if (from !== to) await writeFileAtomic(to, await readFile(from));
  }
  return target;
}

async function fetchMnist(set: MnistSet, { onProgress, signal }: LoadOptions): Promise<string> {
  const target = cacheOf(set);
  await mkdirp(target);
  for (const [i, name] of files.entries()) {
    if (await findIdx(target, name)) continue;
    const file = `${name}.gz`;
    const bytes = await firstOf(set.mirrors, (mirror) =>
      download(mirror + file, {
        sha256: set.sha256[i],
        maxBytes: longestDownload,
        signal,
        onProgress: (progress) => onProgress?.({ file, ...progress }),
      }),
    ).catch((cause) => {
      signal?.throwIfAborted();
      throw new HebbError(`${set.title} is not on this machine. ${(cause as Error).message} Offline: ${advice(set)}.`, {
        cause,
      });
    });
    await writeFileAtomic(`${target}/${file}`, bytes);
  }
  return target;
}

/** The first success; when all fail, the first failure. */
async function firstOf<T>(mirrors: readonly string[], attempt: (mirror: string) => Promise<T>): Promise<T> {
  const failures: unknown[] = [];
  for (const mirror of mirrors) {
    try {
      return await attempt(mirror);
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

const cacheOf = (set: MnistSet): string => `${cacheDir()}/data/${set.name}`;

const advice = ({ name, advice }: MnistSet): string =>
  `${advice === undefined ? "" : `${advice}, or `}get its four IDX files and run hebb data ${name} --path DIR`;

async function findFile(set: MnistSet, directory: string, file: string): Promise<string> {
  const path = await findIdx(directory, file);
  if (path === undefined) {
    throw new HebbError(`${directory} lacks ${file}.gz (or ${file}); ${set.title} needs ${files.join(", ")}.`);
  }
  return path;
}
