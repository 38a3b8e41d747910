/**
 * `npm run test:live -- --stack NAME`: the suites of the system on a deployed stack, with a budget; see docs/DEPLOYMENT.md. Exits
 * with 0 when all passed and nothing is left, 1 when not, 2 when it would not begin, 130 when it was stopped.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVitest } from "vitest/node";
import { createClient } from "../../lib/client/sdk/create-client.ts";
import { type Cleaned, cancelEach, clean, openOf, sessionSecondsOf } from "./clean.ts";
import { type Options, optionsOf, usage } from "./options.ts";
import { exceeds, refusal, said, useOf } from "./plan.ts";
import { toEnvironment } from "./run.ts";

const LOOK_MS = 15_000;

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

function read(): Options {
  try {
    return optionsOf(process.argv.slice(2), process.env);
  } catch (error) {
    return refuse(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}
const { target, budget, report, clean: onlyClean } = read();
const client = createClient(target);

function tell({ found, cancelled, left, use }: Cleaned): void {
  console.log(`cleaned: ${found.length} tasks, of which ${cancelled.length} were cancelled; ${said(use)}`);
  if (left.length > 0) console.error(`NOT seen to have ended: ${left.join(", ")}`);
}

if (onlyClean) {
  const cleaned = await clean(client, onlyClean.mark, []);
  tell(cleaned);
  await client.close();
  process.exit(cleaned.left.length > 0 ? 1 : 0);
}
const why = refusal(budget);
if (why !== undefined) refuse(why);

const mark = `live-${randomBytes(8).toString("hex")}`;
const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-live-"));
const [journal, timings] = [join(folder, "tasks"), join(folder, "timings")];
for (const file of [journal, timings]) writeFileSync(file, "");
const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : []);
Object.assign(process.env, toEnvironment({ target, mark, budget, journal, timings }));
const startedAt = new Date().toISOString();
console.log(`run ${mark}, with at most ${said(budget)}`);

const vitest = await createVitest("test", { config: join(import.meta.dirname, "vitest.config.ts"), watch: false });
let isEnding = false;
async function end(reason: string, code: number): Promise<never> {
  if (isEnding) return new Promise(() => {});
  isEnding = true;
  clearInterval(looking);
  console.log(`${reason}; cleaning up`);
  // No test begins any more, those that wait for a task see its end, and after that nobody dispatches another.
  await vitest.cancelCurrentRun("keyboard-input");
  await cancelEach(client, await openOf(client, mark));
  await vitest.close();
  const cleaned = await clean(client, mark, linesOf(journal));
  tell(cleaned);
  const figures = linesOf(timings).map((line) => JSON.parse(line) as { name: string; seconds: number | string });
  const isClean = cleaned.left.length === 0;
  const about = { target, mark, startedAt, endedAt: new Date().toISOString(), reason, budget };
  writeFileSync(report, `${JSON.stringify({ ...about, ...cleaned, timings: figures }, undefined, 2)}\n`);
  console.log(`the figures are in ${report}`);
  await client.close();
  rmSync(folder, { recursive: true, force: true });
  process.exit(code === 0 && !isClean ? 1 : code);
}

/** Says what was used so far, and ends the run when that is more than there is. */
async function look(): Promise<void> {
  const records = await Promise.all(linesOf(journal).map((id) => client.task(id).status()));
  const use = useOf(records.reduce((sum, record) => sum + sessionSecondsOf(record), 0));
  console.log(`so far: ${records.length} tasks, ${said(use)} of ${said(budget)}`);
  if (exceeds(use, budget)) await end("the budget is used up", 1);
}
const looking = setInterval(() => void look().catch((error) => console.error(`could not look: ${error}`)), LOOK_MS);
// Vitest ends the process at once, with whatever runs and bills.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.removeAllListeners(signal).on(signal, () => void end(signal, 130));

await vitest.start([]);
const failed = vitest.state.getCountOfFailedTests();
const passed = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests("passed")]).length;
await end(`${passed} passed, ${failed} failed`, failed === 0 && passed > 0 ? 0 : 1);
