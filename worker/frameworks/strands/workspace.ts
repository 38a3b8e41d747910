import { lstat, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import {
  type ExecutionResult,
  type FileInfo,
  Sandbox,
  SandboxPathNotFoundError,
  type StreamChunk,
} from "@strands-agents/sdk";
import { codeOf } from "../../../lib/contract/errors.ts";

/** The folders that an agent's files are in, and nothing outside of them, whichever links lead there. */
export class Workspace extends Sandbox {
  readonly #folders: readonly string[];

  /** The first is the one that relative paths are below. */
  constructor(...folders: string[]) {
    super();
    this.#folders = folders.map((folder) => resolve(folder));
  }

  override async readFile(path: string): Promise<Uint8Array> {
    return readFile(await this.#inside(path));
  }

  override async writeFile(path: string, content: Uint8Array): Promise<void> {
    const file = await this.#inside(path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  override async removeFile(path: string): Promise<void> {
    await rm(await this.#inside(path));
  }

  override async listFiles(path: string): Promise<FileInfo[]> {
    const folder = await this.#inside(path);
    try {
      const names = (await readdir(folder)).sort();
      return await Promise.all(names.map((name) => infoOf(folder, name)));
    } catch (error) {
      if (isMissing(error)) throw new SandboxPathNotFoundError(path);
      throw error;
    }
  }

  /** Nothing is run here: programs are the tool `shell`'s. */
  override executeStreaming(): AsyncIterable<StreamChunk | ExecutionResult> {
    throw new Error("no program runs here");
  }

  override executeCodeStreaming(): AsyncIterable<StreamChunk | ExecutionResult> {
    throw new Error("no program runs here");
  }

  /** The real path, or where it would be. Throws for one that lies outside, by itself or through a link. */
  async #inside(path: string): Promise<string> {
    const [first = ""] = this.#folders;
    const asked = resolve(first, path);
    const real = await realOf(asked);
    const folders = await Promise.all(this.#folders.map(realOf));
    if (folders.some((folder) => isWithin(folder, real))) return real;
    throw new Error(`${path} is outside of the folders that this agent works in: ${this.#folders.join(", ")}`);
  }
}

async function infoOf(folder: string, name: string): Promise<FileInfo> {
  // A link that leads nowhere is an entry all the same.
  const seen = await stat(join(folder, name)).catch(() => undefined);
  return seen ? { name, isDir: seen.isDirectory(), size: seen.size } : { name };
}

/** The path without links: of what is there, and below it what is not there yet. */
async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isMissing(error) || dirname(path) === path) throw error;
    // A link that leads nowhere would be followed when something is written to it.
    if (await isLink(path)) throw new Error(`${path} is a link that leads nowhere`);
    return join(await realOf(dirname(path)), basename(path));
  }
}

const isLink = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(() => undefined))?.isSymbolicLink() ?? false;

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

const isMissing = (error: unknown): boolean => ["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "");
