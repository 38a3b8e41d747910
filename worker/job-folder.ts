import { execFile } from "node:child_process";
import { lstat, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { WorkerConfig } from "./config.ts";

/** Where one job works. Everything below `root` is the worker's and goes when the job is over. */
export type JobFolder = {
  root: string;
  /** Programs run here, or below. */
  workspace: string;
  /** What is left here comes back. */
  artifacts: string;
  /** Where the answers to a question appear. */
  inputFile: string;
  /** Named pipes for stdout and stderr, where the system can make them. */
  pipes?: { stdout: string; stderr: string };
};

/** Makes the folders of a job. Throws what the file system throws. */
export async function makeJobFolder(config: Pick<WorkerConfig, "workspace" | "artifactsDir">): Promise<JobFolder> {
  const root = await mkdtemp(join(tmpdir(), "agentdispatch-job-"));
  const workspace = resolve(config.workspace ?? join(root, "workspace"));
  const artifacts = resolve(config.artifactsDir ?? join(root, "artifacts"));
  await Promise.all([mkdir(workspace, { recursive: true }), mkdir(artifacts, { recursive: true })]);
  const pipes = await makePipes(root);
  return { root, workspace, artifacts, inputFile: join(root, "input.json"), ...(pipes && { pipes }) };
}

export async function removeJobFolder({ root }: JobFolder): Promise<void> {
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * Node connects a child through sockets, which a program cannot open by name: `echo x > /dev/stderr` would fail in
 * every script that a job runs. Named pipes are pipes.
 */
async function makePipes(root: string): Promise<{ stdout: string; stderr: string } | undefined> {
  const pipes = { stdout: join(root, "stdout.pipe"), stderr: join(root, "stderr.pipe") };
  try {
    await promisify(execFile)("mkfifo", ["-m", "600", pipes.stdout, pipes.stderr]);
    const made = await Promise.all([lstat(pipes.stdout), lstat(pipes.stderr)]);
    return made.every((stats) => stats.isFIFO()) ? pipes : undefined;
  } catch {
    return undefined;
  }
}
