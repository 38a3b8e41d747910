/** Why a command should come to its end: it was asked to, its terminal was closed, or nobody reads its output any more. */
export type Departure = "interrupt" | "hangup" | "reader_gone";

const departures = {
  SIGINT: "interrupt",
  SIGTERM: "interrupt",
  SIGQUIT: "interrupt",
  SIGHUP: "hangup",
} as const satisfies Partial<Record<NodeJS.Signals, Departure>>;

/** Calls back at each request to end, until released. The process then no longer ends by itself. */
export function onDeparture(listener: (why: Departure) => void): () => void {
  const heard = (signal: NodeJS.Signals) => listener(departures[signal as keyof typeof departures]);
  let silent = false;
  const readerGone = () => {
    // Each write that follows fails too; only the first says something new.
    if (!silent) listener("reader_gone");
    silent = true;
  };
  for (const signal of Object.keys(departures)) process.on(signal, heard);
  process.stdout.on("error", readerGone);
  return () => {
    for (const signal of Object.keys(departures)) process.off(signal, heard);
    silent = true;
  };
}

/** Ends the process quietly when the reader of its output leaves, as head does, unless somebody was told of departures. */
export function endWithReader(): void {
  process.stdout.on("error", () => {
    // Whoever listens has something to bring to its end first.
    if (process.stdout.listenerCount("error") === 1) process.exit(0);
  });
  process.stderr.on("error", () => {});
}
