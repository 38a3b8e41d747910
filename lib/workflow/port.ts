/** What the definition hands to a step. `failure` is what its Catch wrote. */
export type StepInput = { id: string; n: number; failure?: { Error?: string; Cause?: string } };

/**
 * What the definition's choices read: whether to come again, and after how many whole seconds; and whether the job is a
 * call that SynchronousCall has to make.
 */
export type StepOutput = { again: boolean; waitSeconds: number; synchronous: boolean };

/** A step of the definition. What it throws has the name of the failure, and the problem as JSON for its message. */
export type StepHandler = (input: StepInput) => Promise<StepOutput>;

/** Runs `dispatch.asl.json`. */
export interface Workflow {
  /**
   * Starts execution `<id>-<n>`: `started`, also when it runs already, or `exists` when one of that name has ended.
   * Throws RetryableError when it cannot tell, RefusedError when it is not allowed to. It belongs to the `trace`, if there is
   * one.
   */
  start(taskId: string, n: number, trace?: string): Promise<"started" | "exists">;
}
