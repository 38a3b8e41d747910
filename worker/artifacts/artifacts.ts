import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import type { LeftOut } from "../../lib/contract/task.ts";
import { MAX_ARTIFACTS, type WorkerArtifact } from "../../lib/contract/worker.ts";
import { clip } from "../parse.ts";
import { contentTypeOf } from "./content-type.ts";

const MAX_NAME_LENGTH = 500;
/** The most that one PUT to an object store can carry. */
const MAX_ARTIFACT_BYTES = 5 * 1024 ** 3;
/** Files that are left out and told of by name. */
const MAX_NAMED = 20;
/** Nobody waits for the end of a larger heap of files. */
const MAX_COUNTED = 100_000;

export type LocalFile = { path: string | Buffer; sizeBytes: number; modifiedMs: number; contentType: string };
export type CollectedArtifacts = {
  artifacts: WorkerArtifact[];
  /** Where they are, by id. */
  files: Map<string, LocalFile>;
  /** What is missing from the list, and why. */
  leftOut: LeftOut;
};

/** Lists the regular files below a folder with their checksums. Symbolic links are not followed. */
export async function collectArtifacts(root: string): Promise<CollectedArtifacts> {
  const leftOut: LeftOut = { count: 0, limit: MAX_ARTIFACTS, files: [] };
  const collected: CollectedArtifacts = { artifacts: [], files: new Map(), leftOut };
  const leave: Leave = (name, reason) => {
    leftOut.count += 1;
    if (leftOut.files.length < MAX_NAMED) leftOut.files.push({ name: clip(name, MAX_NAME_LENGTH), reason });
  };
  for await (const found of filesBelow(Buffer.from(root), leave)) {
    if (collected.artifacts.length < MAX_ARTIFACTS) await add(collected, found, leave);
    else leave(found.name, `more than ${MAX_ARTIFACTS} files`);
    if (leftOut.count === MAX_COUNTED) break;
  }
  return collected;
}

/** Adds a file that is kept for the next turn of a conversation, first of all; nobody sees it. */
export function addPrivate({ artifacts, files }: CollectedArtifacts, file: LocalFile & { sha256: string }): void {
  const { sha256, ...local } = file;
  const { sizeBytes, contentType } = file;
  // As long as an artifact of a job has an id of 24 digits, none can have this one.
  const id = "conversation";
  artifacts.unshift({ id, name: id, sizeBytes, sha256, contentType, private: true });
  files.set(id, local);
}

/** What the log says of files that are left out. */
export function notesOf({ leftOut: { count, files } }: CollectedArtifacts): string[] {
  const named = files.map(({ name, reason }) => `left out: ${clip(name, 100)} (${reason})`);
  const more = count - files.length;
  return more > 0 ? [...named, `left out: ${more} more`] : named;
}

type Leave = (name: string, reason: string) => void;

/** A name can be any bytes: `path` is where the file is, `name` what it is called, relative to the root and with `/`. */
type Found = { path: Buffer; name: string; bytes: Buffer };

async function add({ artifacts, files }: CollectedArtifacts, found: Found, leave: Leave): Promise<void> {
  const { path, name, bytes } = found;
  if (name.length > MAX_NAME_LENGTH) return leave(name, "its name is too long");
  try {
    const stats = await lstat(path);
    if (stats.size > MAX_ARTIFACT_BYTES) return leave(name, "larger than 5 GB");
    const sha256 = await checksum(path);
    const id = createHash("sha256").update(bytes).digest("hex").slice(0, 24);
    const contentType = contentTypeOf(name);
    artifacts.push({ id, name, sizeBytes: stats.size, sha256, contentType });
    files.set(id, { path, sizeBytes: stats.size, modifiedMs: stats.mtimeMs, contentType });
  } catch (error) {
    leave(name, `could not be read (${reasonOf(error)})`);
  }
}

/** The worker's own `output` folder comes first: it must not be left out. */
async function* filesBelow(root: Buffer, leave: Leave, below?: Found): AsyncGenerator<Found> {
  let entries: Dirent<Buffer>[];
  try {
    const isFolder = (await lstat(root)).isDirectory();
    entries = isFolder ? await readdir(below?.path ?? root, { withFileTypes: true, encoding: "buffer" }) : [];
    if (!isFolder) leave("the artifacts folder", "is not a folder any more");
  } catch (error) {
    return leave(below?.name ?? "the artifacts folder", `could not be read (${reasonOf(error)})`);
  }
  const order = ({ name }: Dirent<Buffer>) => (!below && /^(output|result\.(json|txt))$/.test(name.toString()) ? 0 : 1);
  entries.sort((a, b) => order(a) - order(b) || a.name.compare(b.name));
  for (const entry of entries) {
    const found: Found = {
      path: joined(below?.path ?? root, entry.name),
      name: below ? `${below.name}/${textOf(entry.name)}` : textOf(entry.name),
      bytes: below ? joined(below.bytes, entry.name) : entry.name,
    };
    if (entry.isDirectory()) yield* filesBelow(root, leave, found);
    else if (entry.isFile()) yield found;
  }
}

const joined = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, Buffer.from("/"), name]);

/** A name as text; of one that is no UTF-8 every byte beyond ASCII becomes `%E9` and the like. */
function textOf(name: Buffer): string {
  if (isUtf8(name)) return name.toString();
  const escaped = (byte: string) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`;
  return name.toString("latin1").replace(/[\x80-\xff]/g, escaped);
}

/** Reads through one buffer: a stream would leave a large file's worth of them to the garbage collector. */
async function checksum(path: Buffer): Promise<string> {
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
