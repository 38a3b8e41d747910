import { detail, type Placed, roleOf } from "./place.ts";

type Own = {
  /** The runtime that the stack deployed, and its role. */
  ownRuntimeArn?: string | undefined;
  ownRoleArn?: string | undefined;
};

/**
 * The role in whose name the agent of a task acts, as an ARN: that of the runtime which is made, or which exists. Of one that
 * somebody else deployed nothing but the configuration says it.
 */
export function agentRoleOf(placed: Placed, { ownRuntimeArn, ownRoleArn }: Own): string | undefined {
  const isOwn = placed.target.mode === "session" && detail(placed, "runtimeArn") === ownRuntimeArn;
  return isOwn && ownRuntimeArn !== undefined ? ownRoleArn : roleOf(placed);
}
