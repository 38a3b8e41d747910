import { DispatchError } from "../../../contract/errors.ts";
import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";

export const pass = (name: string, message: string): Check => ({ name, status: "pass", message });
export const warn = (name: string, message: string): Check => ({ name, status: "warn", message });
export const fail = (name: string, message: string): Check => ({ name, status: "fail", message });

/** Bounds a question to AWS: what takes longer than all checks may is rejected. */
export type Within = <T>(asked: Promise<T>) => Promise<T>;

/** What went wrong, and what to do about it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof DispatchError)) return error instanceof Error ? error.message || error.name : String(error);
  return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
}
