import type { IGrantable } from "aws-cdk-lib/aws-iam";

/**
 * What a function does with the backend of a task, as far as permissions tell it apart: methods of the adapter, its hello,
 * and what the janitor asks of its inventory.
 */
export type BackendUse =
  | "provision"
  | "awaitReady"
  | "hello"
  | "invoke"
  | "call"
  | "stop"
  | "deleteRuntime"
  | "sweep"
  | "check";

/** What the construct of an adapter gives to the functions that use it. */
export interface BackendGrants {
  grant(use: BackendUse, grantee: IGrantable): void;
}
