import { randomUUID } from "node:crypto";
import { link, open, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { codeOf, RefusedError } from "../contract/errors.ts";

type Writing = {
  /** Permissions of the file afterwards. */
  mode?: number;
  /** Refuse where there is such a file already. */
  isNew?: boolean;
};

/**
 * Writes a whole file: whoever reads meanwhile has it as it was or as it will be, also when the disk is full. A symbolic
 * link to it stays one. Throws RefusedError `configuration.exists` or `configuration.unwritable`.
 */
export async function replaceFile(path: string, text: string, { mode = 0o600, isNew }: Writing = {}): Promise<void> {
  // Behind a symbolic link, because renaming would replace the link.
  const file = await realpath(path).catch(() => path);
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}`);
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // A link is refused where there is a file, and renaming would take its place.
    if (isNew) await link(temporary, file);
    else return await rename(temporary, file);
  } catch (error) {
    throw isNew && codeOf(error) === "EEXIST" ? exists(path) : unwritable(path, error);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** The refusal to write over a file that nobody said may go. */
export const exists = (path: string): RefusedError =>
  new RefusedError("configuration.exists", `${path} is there already`, {
    hint: "--force replaces it, --config names another file, and with --client alone none is written",
  });

/** The refusal for a file that could not be written, or not be locked to do so. */
export const unwritable = (path: string, cause: unknown): RefusedError =>
  new RefusedError("configuration.unwritable", `${path} cannot be written (${codeOf(cause) ?? "unknown"})`, {
    hint: "mend the permissions of its folder, free some space, or name another file with --config",
    cause,
  });
