import { type LeftOut, type OwnOf, type Task, type TaskArtifact, without } from "../contract/task.ts";
import type { PollReply, WorkerArtifact } from "../contract/worker.ts";
import { ARTIFACTS_PER_PAGE } from "../store/artifact-pages.ts";
import type { Ports } from "./ports.ts";

/** Longest reason why a file was lost, in UTF-16 units. */
const MAX_REASON_LENGTH = 500;

type Store = Pick<Ports["store"], "addArtifacts" | "getArtifacts">;

/** How many files the task left. */
export const artifactCountOf = ({ artifactCount, artifacts = [] }: Task): number => artifactCount ?? artifacts.length;

/** The files of a task from one on, up to the end of the page after it. */
export async function artifactsFrom(
  store: Pick<Store, "getArtifacts">,
  task: Task,
  from: number,
): Promise<TaskArtifact[]> {
  if (task.artifactCount === undefined) return (task.artifacts ?? []).slice(from, from + ARTIFACTS_PER_PAGE);
  if (from >= task.artifactCount) return [];
  const page = Math.floor(from / ARTIFACTS_PER_PAGE);
  const [first, second] = await Promise.all([store.getArtifacts(task.id, page), store.getArtifacts(task.id, page + 1)]);
  return [...first, ...second].slice(from - page * ARTIFACTS_PER_PAGE);
}

/**
 * Keeps the list of files that a worker told at the end, and what it left out. Resolves with what the task says of them. What
 * is private is not among them.
 */
export async function keepArtifacts(
  store: Store,
  taskId: string,
  { artifacts = [], artifactsLeftOut }: Pick<PollReply, "artifacts" | "artifactsLeftOut">,
  nowMs: number,
): Promise<Partial<OwnOf<"completing">>> {
  const pending = artifacts.filter((artifact) => !artifact.private).map((artifact) => asPending(artifact, nowMs));
  if (pending.length > 0) await store.addArtifacts(taskId, pending);
  return {
    ...(pending.length > 0 && { artifactCount: pending.length, artifactsSettled: 0 }),
    ...(artifactsLeftOut && artifactsLeftOut.count > 0 && { artifactsLeftOut: shortLeftOut(artifactsLeftOut) }),
  };
}

/** A file that a worker told of, before it is here. */
export function asPending({ private: isPrivate, ...artifact }: WorkerArtifact, nowMs: number): TaskArtifact {
  const createdAt = new Date(nowMs).toISOString();
  return { ...artifact, kind: "file", state: "pending", createdAt, ...(isPrivate && { private: true }) };
}

/** A task of an older version with its files in pages; without effect on any other. */
export async function withPages(ports: Pick<Ports, "store">, task: Task): Promise<Task> {
  const { artifacts = [] } = task;
  if (task.artifactCount !== undefined || artifacts.length === 0) return task;
  await ports.store.addArtifacts(task.id, artifacts);
  return ports.store.change(task.id, (current) => {
    if (!current.artifacts || current.artifactCount !== undefined) return undefined;
    return { ...without(current, "artifacts"), artifactCount: artifacts.length, artifactsSettled: 0 };
  });
}

/** A reason as it is kept. */
export const shortReason = (reason: string): string => reason.slice(0, MAX_REASON_LENGTH).toWellFormed();

const MAX_LEFT_OUT = 20;

const shortLeftOut = ({ count, limit, files }: LeftOut): LeftOut => ({
  count,
  limit,
  files: files.slice(0, MAX_LEFT_OUT).map(({ name, reason }) => ({
    name: name.slice(0, 200).toWellFormed(),
    reason: reason.slice(0, 100).toWellFormed(),
  })),
});
