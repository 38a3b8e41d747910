const WORK_MS = 10;

/** Lets others in this process have their turn, for long loops over a store that answers at once. Costs nothing in between. */
export function breather(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < WORK_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    since = performance.now();
  };
}
