import { pricesDate } from "../../lib/contract/costs/prices.ts";
import { type Counts, LONG, SHORT } from "./counts.ts";
import { costOfTask } from "./lengths.ts";
import { targets } from "./virtual-cloud.ts";

/** What the estimate in a task's record is read from: minutes and US dollars of tasks for which nobody waits. */
export const points = ({ tasks }: Counts) => ({
  date: pricesDate,
  unit: "minutes of a task, and US dollars of its control plane; computed by npm run costs",
  ...Object.fromEntries(
    targets.map((target) => [
      target,
      [...SHORT, ...LONG].map((minutes) => [minutes, Number(costOfTask(tasks, minutes, target).toFixed(6))]),
    ]),
  ),
});
