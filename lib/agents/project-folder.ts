import { constants } from "node:fs";
import { access, open, opendir, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { codeOf } from "../contract/errors.ts";

/** Names in a folder that are looked at. */
const MAX_NAMES = 2000;

/** A project's folder, read with care: so much of it, and nothing that a symbolic link leads to outside of it. */
export type ProjectFolder = {
  /** The names in it, as far as they are looked at; none where it cannot be read. */
  names: ReadonlySet<string>;
  /** The beginning of a file of that name, `/` between folders; undefined where there is none, or it is no text. */
  read(name: string, maxBytes: number): Promise<{ text: string; isWhole: boolean } | undefined>;
};

/** Never throws: a folder that is not there is an empty one. */
export async function openProject(path: string): Promise<ProjectFolder> {
  const root = await realpath(path).catch(() => undefined);
  /** Where the name really leads; undefined where that is outside. */
  const inside = async (name: string): Promise<string | undefined> => {
    if (root === undefined) return undefined;
    const place = await realpath(join(root, name)).catch(() => undefined);
    return place?.startsWith(root.endsWith(sep) ? root : root + sep) ? place : undefined;
  };
  return {
    names: root === undefined ? new Set() : await namesIn(root),
    async read(name, maxBytes) {
      const place = await inside(name);
      return place === undefined ? undefined : readBeginning(place, maxBytes).catch(() => undefined);
    },
  };
}

async function namesIn(root: string): Promise<Set<string>> {
  const names = new Set<string>();
  try {
    for await (const { name } of await opendir(root)) if (names.add(name).size >= MAX_NAMES) break;
  } catch {
    // what cannot be read has none
  }
  return names;
}

async function readBeginning(place: string, maxBytes: number) {
  // A pipe would be waited for, and a link may have taken the file's place.
  const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat().then((info) => (info.isFile() ? info : { size: -1 }));
    if (size < 0) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    const text = new TextDecoder().decode(buffer.subarray(0, bytesRead), { stream: size > maxBytes });
    return text.includes("\0") ? undefined : { text, isWhole: size <= maxBytes };
  } finally {
    await file.close();
  }
}

/** Why agents cannot work in the folder; undefined when they can. Never throws. */
export async function folderProblem(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) return `${path} is not a folder`;
    await access(path, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return codeOf(error) === "ENOENT" ? `there is no folder ${path}` : `${path} cannot be read`;
  }
}
