import { createHash, randomUUID } from "node:crypto";
import { link, lstat, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf, RefusedError } from "../../../contract/errors.ts";

type WriteOptions = {
  /** Replaces a file that is there. */
  force?: boolean | undefined;
  /** What it must have in the end, or nothing is left of it. */
  sha256?: string | undefined;
};

/**
 * Writes a file, whole or not at all, and in nobody's place unless by `force`; one that is there with just that content
 * stays. Throws RefusedError `client.file_exists`, `client.file_unwritable`, or `artifact.corrupt` for another content, and
 * what `chunks` throws.
 */
export async function writeNewFile(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array | string>,
  { force = false, sha256 }: WriteOptions = {},
): Promise<"written" | "there"> {
  const temporary = join(dirname(path), `.agent-dispatch-${randomUUID()}`);
  const file = await orRefused(path, open(temporary, "wx"));
  try {
    const hash = createHash("sha256");
    try {
      for await (const chunk of chunks) {
        hash.update(chunk);
        await orRefused(path, file.writeFile(chunk));
      }
      // Under its name, a file is whole even after the power has failed.
      await orRefused(path, file.sync());
    } finally {
      await file.close();
    }
    const digest = hash.digest("hex");
    if (sha256 !== undefined && digest !== sha256)
      throw new RefusedError("artifact.corrupt", `what came for ${path} has another sha256 than it should have`);
    return await settle(temporary, path, force, digest);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function settle(temporary: string, path: string, force: boolean, digest: string): Promise<"written" | "there"> {
  if (force) {
    await orRefused(path, rename(temporary, path));
    return "written";
  }
  try {
    await link(temporary, path);
    return "written";
  } catch (error) {
    if (codeOf(error) === "EEXIST") {
      if ((await digestOf(path)) === digest) return "there";
      throw exists(path);
    }
    // On file systems without hard links.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(codeOf(error) ?? ""))
      throw unwritable(path, error);
    if (await lstat(path).catch(() => undefined)) throw exists(path);
    await orRefused(path, rename(temporary, path));
    return "written";
  }
}

/** Of a plain file; a link is not followed. */
async function digestOf(path: string): Promise<string | undefined> {
  if (!(await lstat(path)).isFile()) return undefined;
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

const exists = (path: string) =>
  new RefusedError("client.file_exists", `${path} is there already`, { hint: "--force replaces it" });

const unwritable = (path: string, error: unknown) =>
  new RefusedError("client.file_unwritable", `${path} cannot be written (${codeOf(error) ?? "unknown"})`, {
    hint: "free some space, or name another place",
    cause: error,
  });

async function orRefused<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw codeOf(error) === undefined ? error : unwritable(path, error);
  }
}
