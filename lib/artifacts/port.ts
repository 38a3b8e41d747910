import type { TaskArtifact, ValueRef } from "../contract/task.ts";
import type { Content } from "./content.ts";

/** What whoever only reads tasks needs of artifacts. */
export type ReadableArtifacts = Pick<Artifacts, "put" | "get" | "uriOf">;

/** Files and large values, kept after the worker is gone. Content is named by its sha256 and checked against it when read. */
export interface Artifacts {
  /** Keeps a value of a task. Throws RetryableError `platform.artifacts_unavailable`. */
  put(taskId: string, name: string, content: Uint8Array, contentType: string): Promise<ValueRef>;
  /** Reads what `put` returned. Throws RefusedError `artifact.corrupt` or `artifact.not_found`. */
  get(ref: ValueRef): Promise<Uint8Array>;
  /** Where the worker PUTs a file, for 15 minutes: only that content is accepted. */
  uploadTarget(taskId: string, artifact: TaskArtifact): Promise<{ url: string; headers: Record<string, string> }>;
  /**
   * Where a worker GETs what a turn of a conversation left, for 15 minutes; undefined where it is known to be gone. The
   * content is that of a `private` artifact of the task.
   */
  downloadTarget(
    taskId: string,
    content: Content,
  ): Promise<{ url: string; headers: Record<string, string> } | undefined>;
  /** Whether the file is here, whole. */
  has(taskId: string, artifact: TaskArtifact): Promise<boolean>;
  /** A URI from which the caller can read the file. Throws RefusedError `artifact.not_found` where it is known to be gone. */
  uriOf(taskId: string, artifact: TaskArtifact): Promise<string>;
}
