import { Fn, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";

/**
 * What the names of the runtimes that are made for tasks begin with: eight digits of the stack's id, so that no other stack
 * has them, not even one of the same name in another region. With the 32 digits of a task that makes 44 of the 48
 * characters that AgentCore takes, in which the stack's name has no room.
 */
export function taskRuntimePrefix(scope: Construct): string {
  const id = Fn.select(2, Fn.split("/", Stack.of(scope).stackId));
  return `ad_${Fn.select(0, Fn.split("-", id))}_`;
}

/** The name of the runtime that the stack deploys, which no task's can be. */
export const sharedRuntimeName = (stackName: string): string => `shared_${stackName.replaceAll("-", "_")}`;
