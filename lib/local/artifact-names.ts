import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, link, mkdir, rename, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Content } from "../domain/content.ts";
import { type ContentStore, codeOf } from "./content-store.ts";

const MAX_SEGMENTS = 20;
const MAX_SEGMENT_BYTES = 200;

/**
 * Gives content a name that a person can open, below `folder`, and returns its path. A name that already stands for
 * something else is kept apart by the content's sha256; content that is not there yet gets the path it will have.
 */
export async function nameContent(
  store: ContentStore,
  folder: string,
  name: string,
  content: Content,
): Promise<string> {
  const plain = join(folder, ...safeSegments(name));
  const apart = join(folder, `~${content.sha256.slice(0, 16)}`, basename(plain));
  for (const path of [plain, apart]) {
    const outcome = await linkTo(store, path, content);
    if (outcome === "missing") return plain;
    if (outcome === "linked") return path;
  }
  return store.pathOf(content.sha256);
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

async function linkTo(store: ContentStore, path: string, content: Content): Promise<"linked" | "taken" | "missing"> {
  const source = store.pathOf(content.sha256);
  const attempt = async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await link(source, path).catch((error) => {
      if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(codeOf(error) ?? "")) throw error;
      return copyTo(store, source, path);
    });
  };
  return store.guard(async () => {
    try {
      await attempt();
      return "linked";
    } catch (error) {
      const code = codeOf(error);
      if (code === "ENOENT") return "missing";
      if (code === "ENAMETOOLONG" || code === "ENOTDIR" || code === "EISDIR") return "taken";
      if (code !== "EEXIST") throw error;
      return (await isSame(source, path)) || (await store.holds(content, path)) ? "linked" : "taken";
    }
  });
}

/** For file systems without hard links. */
async function copyTo(store: ContentStore, source: string, path: string): Promise<void> {
  const temporary = store.temporaryPath();
  await copyFile(source, temporary, constants.COPYFILE_EXCL);
  await chmod(temporary, 0o600);
  await rename(temporary, path);
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), stat(other).catch(() => undefined)]);
  return a.ino === b?.ino && a.dev === b.dev;
}
