const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Calls back at each Ctrl-C, request to end, or loss of the reader of standard output, counting from 1, until released.
 * The process then no longer ends by itself.
 */
export function onInterrupt(listener: (count: number) => void): () => void {
  let count = 0;
  const heard = () => listener(++count);
  let released = false;
  const readerGone = () => {
    // Each write that follows fails too; only the first says something new.
    if (count === 0 && !released) heard();
  };
  for (const signal of signals) process.on(signal, heard);
  process.stdout.on("error", readerGone);
  return () => {
    for (const signal of signals) process.off(signal, heard);
    released = true;
  };
}

/** Ends the process quietly when the reader of its output leaves, as head does, unless somebody was told of interrupts. */
export function endWithReader(): void {
  process.stdout.on("error", () => {
    // Whoever listens has something to bring to its end first.
    if (process.stdout.listenerCount("error") === 1) process.exit(0);
  });
  process.stderr.on("error", () => {});
}
