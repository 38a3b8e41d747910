/**
 * `npm run test:storms -- [--seed <number>] [--jobs <number>] [--faults <number>] [--rounds <number>] [--keep]`: storms over
 * the local system, one after the other, each with the next seed. Exits with 1 when a promise was broken.
 */
import { parseArgs } from "node:util";
import { storm } from "./storm.ts";

const number = (value: string | undefined, otherwise: number): number => {
  const parsed = value === undefined ? otherwise : Number(value);
  if (!Number.isSafeInteger(parsed) || parsed < 0) throw new Error(`${value} is not a whole number`);
  return parsed;
};
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    jobs: { type: "string" },
    faults: { type: "string" },
    rounds: { type: "string" },
    keep: { type: "boolean" },
  },
});
const first = number(values.seed, Date.now() % 1_000_000);
const rounds = number(values.rounds, 1);
for (let seed = first; seed < first + rounds; seed++) {
  const options = {
    seed,
    jobs: number(values.jobs, 120),
    faults: number(values.faults, 80),
    keep: values.keep ?? false,
  };
  console.log(`seed ${seed}: ${options.jobs} jobs, ${options.faults} faults`);
  const startedMs = performance.now();
  const tell = (line: string) =>
    console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(7)} s  ${line}`);
  const report = await storm({ ...options, tell });
  console.log(JSON.stringify(report, undefined, 2));
  if (report.broken.length > 0) process.exitCode = 1;
}
