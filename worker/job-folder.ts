import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { SessionConfig } from "./config.ts";

/** Where one job works. Everything below `root` is the worker's and goes when the job is over. */
export type JobFolder = {
  root: string;
  /** Programs run here, or below. */
  workspace: string;
  /** What is left here comes back. */
  artifacts: string;
  /** Where the answers to a question appear. */
  inputFile: string;
};

/**
 * Makes the folders of a job. Throws what the file system throws. Its own it makes at once, which takes less time than to
 * wait for; where others have said it shall work, a file system may hang, and must hold up nobody else.
 */
export async function makeJobFolder(
  config: Pick<SessionConfig, "workspace" | "artifactsDir" | "temporary">,
): Promise<JobFolder> {
  const root = mkdtempSync(join(config.temporary ?? tmpdir(), "agentdispatch-job-"));
  const folderOf = (given: string | undefined, name: string) => {
    if (given !== undefined) return resolve(given);
    mkdirSync(join(root, name));
    return join(root, name);
  };
  const workspace = folderOf(config.workspace, "workspace");
  const artifacts = folderOf(config.artifactsDir, "artifacts");
  const given = [config.workspace, config.artifactsDir].filter((path) => path !== undefined);
  await Promise.all(given.map((path) => mkdir(resolve(path), { recursive: true })));
  return { root, workspace, artifacts, inputFile: join(root, "input.json") };
}

export const removeJobFolder = ({ root }: JobFolder): Promise<void> => removeFolder(root);

/** Removes a folder of the worker's own with all that is in it. */
export async function removeFolder(path: string): Promise<void> {
  try {
    // Most leave nothing there, and to look for it takes much longer.
    rmdirSync(path);
    return;
  } catch {}
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}
