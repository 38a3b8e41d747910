/** Does the work for each, so many at once, and resolves with what it gave, in order. What failed is thrown once all is done. */
export async function inLanes<T, R>(lanes: number, all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  const left = all.entries();
  const lane = async () => {
    for (const [at, one] of left) {
      try {
        results[at] = await work(one);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, all.length) }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}
