import type { Decision } from "./decision.ts";

/** What is known of the work that is under way: each line that is written meanwhile says it. */
export type Facts = {
  /** The state whose step it is, or the door or the schedule that it came by. */
  step: string;
  taskId?: string | undefined;
  /** A line has only its hash. */
  owner?: string | undefined;
  trace?: string | undefined;
};

/** Hears what is decided, and makes lines of the log and metrics of it. None of it throws, or waits. */
export interface Observer {
  /** Does some work, of which these facts are known. */
  during<T>(facts: Facts, work: () => Promise<T>): Promise<T>;
  /** Learns whose task the work that is under way is about, if it is the one that its facts name. */
  about(task: { id: string; owner: string; trace?: string }): void;
  decided(decision: Decision): void;
}
