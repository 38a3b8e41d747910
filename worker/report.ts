/** One line for whoever operates the worker. Stderr only; a reader that went away is no reason to stop. */
export function report(text: string, error?: unknown): void {
  const detail = error instanceof Error ? `: ${error.stack ?? error.message}` : "";
  process.stderr.write(`agent-dispatch worker: ${text}${detail}\n`);
}

/** The same with facts, each as `name=value`, for what reads logs by the task or by its trace. None holds a blank. */
export function tell(text: string, facts: Readonly<Record<string, string | number>>): void {
  const said = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
  report([text, ...said].join(" "));
}
