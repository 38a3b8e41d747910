import { setFlagsFromString } from "node:v8";

/**
 * Keeps the part of the heap in which short-lived objects begin as small as it is. It would grow to 64 MB, and the rest
 * with it: a process that serves many small calls would take three times the memory that it needs.
 */
export function keepYoungSpaceSmall(): void {
  // Asked for at every growth, unlike the limits, which count only before the process starts.
  setFlagsFromString("--semi-space-growth-factor=1");
}
