import { InvalidInputError } from "../contract/errors.ts";
import { taskIdSchema } from "../contract/task-id.ts";

/** Content is named by what it is. */
export type Content = { sha256: string; sizeBytes: number };

/** A sha256 becomes part of a path or key: nothing else may. Throws InvalidInputError. */
export function checkedContent({ sha256, sizeBytes }: Content): Content {
  if (/^[0-9a-f]{64}$/.test(sha256)) return { sha256, sizeBytes };
  throw new InvalidInputError([{ path: "sha256", message: "must be 64 hexadecimal digits" }]);
}

/** The same for the id of a task. Throws InvalidInputError. */
export function checkedTaskId(taskId: string): string {
  const parsed = taskIdSchema.safeParse(taskId);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError([{ path: "taskId", message: "must be a task id: task_ and 32 hexadecimal digits" }]);
}
