/** Memory brings processor time, which makes what somebody waits for quick. */
const QUICK_MB = 512;
/** It only waits, most of the time, and takes 210 MB for the largest log that a task may have. */
const WAITING_MB = 320;

/** MB of the functions that are no steps. */
export const functionMemory = { mcp: QUICK_MB, janitor: QUICK_MB } as const;

/** MB of the function behind a state of the workflow. What they cost for it: docs/COSTS.md. */
export const stepMemory = (state: string): number => (state === "Watch" ? WAITING_MB : QUICK_MB);
