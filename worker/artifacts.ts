import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { WorkerArtifact } from "../lib/domain/worker-contract.ts";
import { contentTypeOf } from "./content-type.ts";
import { clip } from "./parse.ts";

const MAX_ARTIFACTS = 1000;
const MAX_NAME_LENGTH = 500;
/** The most that one PUT to an object store can carry. */
const MAX_ARTIFACT_BYTES = 5 * 1024 ** 3;
const MAX_NOTES = 20;

export type LocalFile = { path: string; sizeBytes: number; modifiedMs: number; contentType: string };
export type CollectedArtifacts = {
  artifacts: WorkerArtifact[];
  /** Where they are, by id. */
  files: Map<string, LocalFile>;
  /** What is missing from the list, and why. */
  notes: string[];
};

/** Lists the regular files below a folder with their checksums. Symbolic links are not followed. */
export async function collectArtifacts(root: string): Promise<CollectedArtifacts> {
  const collected: CollectedArtifacts = { artifacts: [], files: new Map(), notes: [] };
  const note = (text: string) => {
    if (collected.notes.length < MAX_NOTES) collected.notes.push(text);
  };
  for await (const name of filesBelow(root, note)) {
    if (collected.artifacts.length === MAX_ARTIFACTS) {
      note(`there are more than ${MAX_ARTIFACTS} artifacts; the rest is left out`);
      break;
    }
    await add(collected, root, name, note);
  }
  return collected;
}

async function add(
  { artifacts, files }: CollectedArtifacts,
  root: string,
  name: string,
  note: (text: string) => void,
): Promise<void> {
  const path = join(root, name);
  if (name.length > MAX_NAME_LENGTH) return note(`left out: the name of ${clip(name, 100)} is too long`);
  try {
    const stats = await lstat(path);
    if (stats.size > MAX_ARTIFACT_BYTES) return note(`left out: ${name} is larger than 5 GB`);
    const sha256 = await checksum(path);
    const id = createHash("sha256").update(name).digest("hex").slice(0, 24);
    const contentType = contentTypeOf(name);
    artifacts.push({ id, name, sizeBytes: stats.size, sha256, contentType });
    files.set(id, { path, sizeBytes: stats.size, modifiedMs: stats.mtimeMs, contentType });
  } catch (error) {
    note(`left out: ${name} could not be read (${reasonOf(error)})`);
  }
}

/** Names relative to the root, with `/`. The worker's own `output` folder comes first: it must not be left out. */
async function* filesBelow(root: string, note: (text: string) => void, below = ""): AsyncGenerator<string> {
  let entries: Dirent[];
  try {
    const isFolder = (await lstat(root)).isDirectory();
    entries = isFolder ? await readdir(join(root, below), { withFileTypes: true }) : [];
    if (!isFolder) note("the artifacts folder is not a folder any more");
  } catch (error) {
    return note(`left out: ${below || "the artifacts folder"} could not be read (${reasonOf(error)})`);
  }
  const order = (entry: Dirent) => (below === "" && /^(output|result\.(json|txt))$/.test(entry.name) ? 0 : 1);
  entries.sort((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(root, note, name);
    else if (entry.isFile()) yield name;
  }
}

/** Reads through one buffer: a stream would leave a large file's worth of them to the garbage collector. */
async function checksum(path: string): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(256 * 1024);
  const file = await open(path);
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown error";
