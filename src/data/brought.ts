import { z } from "zod";
import { platform } from "#platform";
import { HebbError, nearest } from "../engine/errors.js";
import { quote } from "../engine/quote.js";
import { parseJson } from "../interop/json.js";
import { type LabelledRows, lookAtSorted, readRows, sortFiles } from "./brought-files.js";
import {
  type BroughtFile,
  type BroughtKind,
  type BroughtOptions,
  cleanName,
  isBroughtName,
  type UserData,
} from "./brought-names.js";

export { lookAt } from "./brought-files.js";
export type { ClassCount, Head, Images, LabelledLook, Look, ModelLook, PortLook } from "./brought-look.js";
export * from "./brought-names.js";

// A data set is a folder under `brought/` in the cache: its files, each named after its content, and `about.json`, which
// is written last and removed first. A folder without it is what an interrupted addition or removal left.

const root = (): string => `${platform.cacheDir()}/brought`;
const folderOf = (name: string): string => `${root()}/${name}`;
const aboutOf = (name: string): string => `${folderOf(name)}/about.json`;

const reading = z.object({
  delimiter: z.enum([",", ";", "\t"]),
  header: z.boolean(),
  label: z.int().min(0),
  without: z.array(z.int().min(0)),
});

const aboutSchema = z.object({
  version: z.literal(1),
  kind: z.enum(["csv", "idx", "npz", "onnx"]),
  about: z.string(),
  added: z.string(),
  files: z
    .array(
      z.object({
        /** As the user calls it. */
        name: z.string(),
        stored: z.string().regex(/^[0-9a-f]{64}\.(?:csv|idx|npz|onnx|bin)$/),
        bytes: z.int().min(0),
      }),
    )
    .min(1),
  /** How a table is read. */
  reading: reading.optional(),
});

type About = z.infer<typeof aboutSchema>;

const optionsSchema = z.strictObject({
  label: z.union([z.string(), z.int()]).optional(),
  without: z.array(z.union([z.string(), z.int()])).optional(),
  header: z.boolean().optional(),
});

/** A data set as it is read again. */
export type Brought =
  | ({ readonly info: UserData; readonly kind: Exclude<BroughtKind, "onnx">; readonly digest: string } & LabelledRows)
  | {
      readonly info: UserData;
      readonly kind: "onnx";
      readonly digest: string;
      readonly model: Uint8Array;
      /** Files with its weights, by the name that the model gives them. */
      readonly externalData: ReadonlyMap<string, Uint8Array>;
    };

/**
 * Keeps a data set that a user brings, under the cache folder, once its files have been read through without a fault. The
 * name is cleaned (`cleanName`); the one that comes back counts.
 *
 * Throws `HebbError`, one sentence, for files that cannot be read or used, and where there is a data set of that name.
 */
export async function addBrought(
  name: string,
  files: readonly BroughtFile[],
  options: BroughtOptions = {},
): Promise<UserData> {
  const clean = cleanName(name);
  const checked = optionsSchema.safeParse(options);
  if (!checked.success) {
    const [{ path, message }] = checked.error.issues;
    throw new HebbError(`The options of the data set ${quote(clean)} are not valid: ${path.join(".")} ${message}.`);
  }
  await refuseTaken(clean);
  const sorted = sortFiles(files);
  const look = await lookAtSorted(sorted, checked.data);
  if (look.kind !== "onnx" && look.problem) throw new HebbError(look.problem);

  await platform.mkdirp(folderOf(clean));
  const stored: About["files"] = [];
  for (const [i, { name: called, bytes }] of sorted.files.entries()) {
    const ending = sorted.kind === "onnx" && i > 0 ? "bin" : sorted.kind;
    const file = `${await platform.sha256(bytes)}.${ending}`;
    await platform.writeFileAtomic(`${folderOf(clean)}/${file}`, bytes);
    stored.push({ name: called, stored: file, bytes: bytes.length });
  }
  // Somebody else may have been quicker.
  await refuseTaken(clean);
  const about: About = {
    version: 1,
    kind: sorted.kind,
    about: look.about,
    added: new Date().toISOString(),
    files: stored,
    ...(look.kind === "csv"
      ? { reading: { ...look.table!.reading, without: [...look.table!.reading.without] } as About["reading"] }
      : {}),
  };
  await platform.writeFileAtomic(aboutOf(clean), JSON.stringify(about));
  return infoOf(clean, about);
}

async function refuseTaken(name: string): Promise<void> {
  if (await platform.exists(aboutOf(name))) {
    throw new HebbError(`There is a data set "${name}" already: choose another name, or delete it first.`);
  }
}

/** The data sets that were brought, the newest first. */
export async function listBrought(): Promise<readonly UserData[]> {
  if (!(await platform.exists(root()))) return [];
  const names = (await platform.listDir(root())).filter(isBroughtName);
  const found = await Promise.all(
    names.map(async (name) => ((await platform.exists(aboutOf(name))) ? infoFrom(name) : [])),
  );
  return found.flat().sort((a, b) => (b.added ?? "").localeCompare(a.added ?? "") || a.name.localeCompare(b.name));
}

/** A data set whose description is damaged is listed, too: who sees it can delete it. */
async function infoFrom(name: string): Promise<UserData> {
  try {
    return infoOf(name, await readAbout(name));
  } catch (error) {
    return { name, kind: "csv", bytes: 0, about: "damaged", problem: (error as Error).message };
  }
}

const infoOf = (name: string, { kind, about, added, files }: About): UserData => ({
  name,
  kind,
  bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
  about,
  added,
});

async function readAbout(name: string): Promise<About> {
  const bytes = await platform.readFile(aboutOf(name));
  try {
    return aboutSchema.parse(parseJson(new TextDecoder().decode(bytes), "about.json"));
  } catch (cause) {
    throw new HebbError(`The description of the data set "${name}" is damaged: delete the set and bring it again.`, {
      cause,
    });
  }
}

/**
 * Reads a data set that was brought. Throws `HebbError` where there is none of that name (with the nearest one) and where
 * its files are damaged.
 */
export async function readBrought(name: string): Promise<Brought> {
  await requirePresent(name);
  const about = await readAbout(name);
  const info = infoOf(name, about);
  const files: BroughtFile[] = [];
  for (const { name: called, stored } of about.files) {
    const bytes = await platform.readFile(`${folderOf(name)}/${stored}`);
    if ((await platform.sha256(bytes)) !== stored.slice(0, 64)) {
      throw new HebbError(`${quote(called)} of the data set "${name}" is damaged: delete the set and bring it again.`);
    }
    files.push({ name: called, bytes });
  }
  // What the rows are depends on the files and on how they are read, and on nothing else.
  const content = JSON.stringify([about.files.map(({ stored }) => stored), about.reading]);
  const digest = await platform.sha256(new TextEncoder().encode(content));
  const { kind, reading } = about;
  if (kind === "onnx") {
    const [{ bytes: model }, ...beside] = files;
    return { info, kind, digest, model, externalData: new Map(beside.map((file) => [file.name, file.bytes])) };
  }
  return { info, kind, digest, ...(await readRows(kind, files, reading, name)) };
}

/** Deletes a data set that was brought. Throws `HebbError` where there is none of that name. */
export async function removeBrought(name: string): Promise<void> {
  await requirePresent(name);
  await platform.remove(aboutOf(name));
  await platform.remove(folderOf(name));
}

async function requirePresent(name: string): Promise<void> {
  if (isBroughtName(name) && (await platform.exists(aboutOf(name)))) return;
  const near = nearest(
    name,
    (await listBrought()).map((set) => set.name),
  );
  throw new HebbError(
    `There is no data set ${quote(name)} among those you brought${near === undefined ? "" : `; did you mean "${near}"?`}${near === undefined ? "." : ""}`,
  );
}
