import { createHash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { chmod, copyFile, link, mkdir, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { codeOf } from "../../contract/errors.ts";
import type { Content } from "../content.ts";
import { type ContentStore, isFull, notFound } from "./content-store.ts";

const MAX_SEGMENTS = 20;
const MAX_SEGMENT_BYTES = 200;

/**
 * Gives content a name that a person can open, below `folder`, and returns its path. A name that already stands for
 * something else, an edited copy included, is kept apart by the content's sha256. Without room for a copy the path is the
 * one under which the content is kept. Throws RefusedError `artifact.not_found` for content that is not there.
 */
export async function nameContent(
  store: ContentStore,
  folder: string,
  name: string,
  content: Content,
): Promise<string> {
  const kept = store.pathOf(content.sha256);
  if (!(await store.hasFile(kept))) throw notFound(content);
  for (const path of namesOf(folder, name, content)) {
    const outcome = await showAt(store, path, content).catch((error) => {
      if (isFull(error)) return "full";
      throw error;
    });
    if (outcome === "shown") return path;
    if (outcome === "full") break;
  }
  return kept;
}

/** Where content lies that was named so, or under the path where it is kept; nothing is written. Throws as `nameContent`. */
export async function findContent(
  store: ContentStore,
  folder: string,
  name: string,
  content: Content,
): Promise<string> {
  const kept = store.pathOf(content.sha256);
  if (!(await store.hasFile(kept))) throw notFound(content);
  for (const path of namesOf(folder, name, content)) if (await store.holds(content, path)) return path;
  return kept;
}

/** The name that is wanted, and the one that is kept apart from it. */
function namesOf(folder: string, name: string, { sha256 }: Content): [string, string] {
  const plain = join(folder, ...safeSegments(name));
  return [plain, join(folder, `~${sha256.slice(0, 16)}`, basename(plain))];
}

/** The parts of a name as file names: never empty, `.` or `..`, without control characters, not too long, not too many. */
export function safeSegments(name: string): string[] {
  const parts = name
    .toWellFormed()
    .replace(/[\p{Cc}\\]/gu, "_")
    .split("/")
    .filter((part) => part !== "" && part !== "." && part !== "..");
  const kept = parts.slice(0, MAX_SEGMENTS - 1);
  if (parts.length >= MAX_SEGMENTS) kept.push(parts.slice(MAX_SEGMENTS - 1).join("_"));
  return kept.length > 0 ? kept.map(shorten) : ["unnamed"];
}

function shorten(part: string): string {
  const bytes = Buffer.from(part);
  if (bytes.byteLength <= MAX_SEGMENT_BYTES) return part;
  const mark = createHash("sha256").update(bytes).digest("hex").slice(0, 8);
  const head = bytes
    .subarray(0, 100)
    .toString()
    .replace(/\uFFFD$/, "");
  const tail = bytes
    .subarray(-20)
    .toString()
    .replace(/^\uFFFD+/, "");
  return `${head}~${mark}~${tail}`;
}

/**
 * Puts a copy of the content at the path: whoever edits what is shown must not change what is kept. Where the file system
 * can, the copy shares its blocks until then, and takes no room.
 */
async function showAt(store: ContentStore, path: string, content: Content): Promise<"shown" | "taken"> {
  return store.guard(async () => {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const shown = await stat(path).catch(() => undefined);
      if (!shown) await copyTo(store, content, path);
      return !shown || (await isUnchanged(store, content, path, shown)) ? "shown" : "taken";
    } catch (error) {
      if (["ENAMETOOLONG", "ENOTDIR", "EISDIR"].includes(codeOf(error) ?? "")) return "taken";
      if (codeOf(error) !== "EEXIST") throw error;
      return (await store.holds(content, path)) ? "shown" : "taken";
    }
  });
}

/** By the time of its last change, which a copy has from the content; one that was touched is read. */
async function isUnchanged(store: ContentStore, content: Content, path: string, shown: Stats): Promise<boolean> {
  if (!shown.isFile() || shown.size !== content.sizeBytes) return false;
  const kept = await stat(store.pathOf(content.sha256));
  const isSameFile = kept.ino === shown.ino && kept.dev === shown.dev;
  if (isSameFile) return false;
  return Math.abs(kept.mtimeMs - shown.mtimeMs) < 1 || (await store.holds(content, path));
}

/** Whole at once, and in nobody's place. */
async function copyTo(store: ContentStore, content: Content, path: string): Promise<void> {
  const source = store.pathOf(content.sha256);
  const temporary = store.temporaryPath();
  try {
    await copyFile(source, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const { atime, mtime } = await stat(source);
    await utimes(temporary, atime, mtime);
    await chmod(temporary, 0o600);
    await link(temporary, path).catch((error) => {
      // On file systems without hard links.
      if (!["EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(codeOf(error) ?? "")) throw error;
      return rename(temporary, path);
    });
  } finally {
    await rm(temporary, { force: true });
  }
}
