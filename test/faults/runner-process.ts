/** A process of the pool (`pool.ts`): makes the runs that it is told to, one after the other, and says what became of each. */
import { startRunner } from "./runner.ts";

// Whoever has told it to is gone.
process.on("disconnect", () => process.exit(1));
const runner = await startRunner();
process.on("message", (asked: Parameters<typeof runner>[0]) => {
  runner(asked).then(
    (outcome) => process.send?.(outcome),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.send?.("ready");
