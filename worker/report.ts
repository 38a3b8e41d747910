/** One line for whoever operates the worker. Stderr only; a reader that went away is no reason to stop. */
export function report(text: string, error?: unknown): void {
  const detail = error instanceof Error ? `: ${error.stack ?? error.message}` : "";
  process.stderr.write(`agent-dispatch worker: ${text}${detail}\n`);
}
