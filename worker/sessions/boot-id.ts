import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * A name for this run of the worker. A machine may be the copy of another's memory, the state of its random numbers
 * included; the kernel is told when that happens, so it is asked where it can be.
 */
export function makeBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/uuid", "utf8").trim();
  } catch {
    return randomUUID({ disableEntropyCache: true });
  }
}
