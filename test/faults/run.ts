import { isSettled } from "../../lib/contract/task.ts";
import { Sweeper } from "../../lib/engine/janitor/janitor.ts";
import { recoverAll, recoverDead, recoverDue } from "../../lib/engine/recovery.ts";
import { credentials } from "../emulators/agentcore/emulator.ts";
import { Chance } from "../storms/random.ts";
import { actAsCaller } from "./callers.ts";
import { Faults, type Met } from "./faults.ts";
import { intervene } from "./interventions.ts";
import { bindToLife } from "./lives.ts";
import { type Called, type Incident, type Scenario, scenarioOf } from "./scenario.ts";
import { judge } from "./verdict.ts";
import { VirtualTime } from "./virtual-time.ts";
import { openWorld, type StandIns, tasksOf, type World } from "./world.ts";

const MINUTE = 60_000;
const JANITOR_MS = 5 * MINUTE;
const LIMIT_MS = 24 * 60 * MINUTE;
const IMAGE_KEY = "123456789012/worker:1";

export type Report = {
  seed: number;
  scenario: Scenario;
  broken: string[];
  met: Met[];
  seen: ReadonlySet<string>;
  history: ReadonlyMap<string, number>;
  lines: string[];
  virtualMs: number;
  statuses: string[];
};

/** One run: everything in it comes from the seed. */
export async function run(seed: number, standIns: StandIns, scenario = scenarioOf(seed)): Promise<Report> {
  const chance = new Chance(seed + 1);
  const platform = new Chance(seed + 2);
  const startMs = Date.UTC(2026, 0, 1);
  const time = new VirtualTime(startMs, { random: () => platform.next(), bind: bindToLife });
  const environment = { ...process.env };
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: "true",
  });
  time.install();
  const lines: string[] = [];
  const tell = (line: string) => lines.push(`${((time.now() - startMs) / 1000).toFixed(3)} ${line}`);
  const { trouble, targets, rates } = scenario;
  const clock = { now: time.now, sleep: (ms: number) => time.sleep(ms) };
  const faults = new Faults(chance, clock, { targets, rates, untilMs: startMs + trouble.forMs, most: trouble.most });
  let world: World | undefined;
  const broken: string[] = [];
  const statuses: string[] = [];
  try {
    const { store, limits, idleMinutes, warm, agentCore } = scenario;
    world = await openWorld({ time, faults, standIns, store, limits, idleMinutes, warm, tell });
    const { runtimes } = world.emulator;
    Object.assign(runtimes.lasts, {
      unseen: agentCore.unseenMs,
      creating: agentCore.creatingMs,
      endpoint: agentCore.endpointMs,
      deleting: agentCore.deletingMs,
    });
    // Time alone makes them ready: who looks late for the first time sees what has long been so.
    runtimes.getsUntilReady = 0;
    runtimes.refusing = agentCore.refusing;
    runtimes.createFails = agentCore.createFails;
    standIns.images.digests[IMAGE_KEY] = `sha256:${"1".repeat(64)}`;
    broken.push(...(await play(world, { time, faults, scenario, chance: new Chance(seed + 3), tell, statuses })));
  } catch (error) {
    broken.push(`the run: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    world?.close();
    time.uninstall();
    process.env = environment;
  }
  const history = world?.executions.history ?? new Map<string, number>();
  const virtualMs = time.now() - startMs;
  return { seed, scenario, broken, met: faults.met, seen: faults.seen, history, lines, virtualMs, statuses };
}

type Play = {
  time: VirtualTime;
  faults: Faults;
  scenario: Scenario;
  chance: Chance;
  tell: (line: string) => void;
  statuses: string[];
};

async function play(world: World, playing: Play): Promise<string[]> {
  const { time, scenario } = playing;
  const called: Called[] = scenario.wishes.map((wish) => ({ wish }));
  let isOver = false;
  let failure: unknown;
  const owners = [...new Set(scenario.wishes.map(({ owner }) => owner))];
  const callers = Promise.all(called.map((each) => actAsCaller(world, playing, each, called)));
  const incidents = Promise.all(scenario.incidents.map((each) => happen(world, playing, each, called)));
  const house = keepHouse(world, playing, () => isOver);
  const all = async () => {
    await Promise.all([callers, incidents]);
    while (!(await tasksOf(world, owners)).every(isSettled)) await time.sleep(MINUTE);
    world.keepNoneReady();
    while (!(await isAllOver(world, owners))) await time.sleep(MINUTE);
    // What nobody waits for is found when the janitor looks at everybody's.
    for (let minutes = 0; minutes < 120 && (await slotsOf(world, owners)).length > 0; minutes++)
      await time.sleep(MINUTE);
  };
  all().then(
    () => {
      isOver = true;
    },
    (error) => {
      failure = error;
      isOver = true;
    },
  );
  const problems: string[] = [];
  try {
    await time.runUntil(() => isOver, LIMIT_MS);
    // What is delivered once more after all is over wakes nobody up.
    await time.runUntil(() => time.waiting.length === 0, 2 * 60 * MINUTE);
    await house;
  } catch (error) {
    problems.push(`${error}; there are timers of ${[...new Set(time.waiting)]}`);
    isOver = true;
  }
  if (failure) throw failure;
  let verdict: string[] | undefined;
  const judging = judge(world, called, playing).then((faults) => {
    verdict = faults;
  });
  await time.runUntil(() => verdict !== undefined, 60 * MINUTE);
  await judging;
  return [...problems, ...(verdict ?? []), ...(await judgeLogs(world, time))];
}

const DAY = 24 * 60 * MINUTE;
/** More than a fault of the catalogue comes again. */
const MOST_PASSES = 20;

/** Log groups of runtimes that are gone, once the days are over for which they are kept. */
async function judgeLogs(world: World, time: VirtualTime): Promise<string[]> {
  const { logs } = world.standIns;
  const left = () => [...logs.groups.keys()].filter((group) => !group.includes(world.deployedId));
  if (left().length === 0) return [];
  let isOver = false;
  const tidied = (async () => {
    await time.sleep((world.configuration().cloud.runtimeLogDays + 1) * DAY);
    // A pass that is killed, or refused, is followed by the next.
    for (let pass = 0; pass < MOST_PASSES && left().length > 0; pass++) {
      await clean(world).catch(() => {});
      await time.sleep(JANITOR_MS);
    }
  })().finally(() => {
    isOver = true;
  });
  await time.runUntil(() => isOver, 1000 * DAY);
  await tidied;
  return left().map((group) => `the log group ${group} of a runtime that is gone is left`);
}

/** Whether nothing is left to do for anybody, and nothing runs. */
async function isAllOver(world: World, owners: string[]): Promise<boolean> {
  const { emulator, functions, executions, store } = world;
  const { runtimes, sessions } = emulator.inventory;
  if (runtimes.length + sessions.length + functions.running.size + executions.running.length > 0) return false;
  const records = [...(await store.listRuntimes()), ...(await store.listWarm())];
  if (records.some(({ state }) => state !== "gone")) return false;
  return (await tasksOf(world, owners)).every(isSettled);
}

/** The janitor as its schedule has it. */
async function keepHouse(world: World, { time }: Play, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await time.sleep(JANITOR_MS);
    if (!isOver()) await clean(world).catch(() => {});
  }
}

const clean = (world: World) =>
  world.call("Janitor", 300, async (ports) => {
    await recoverDue(ports, { lanes: 8 });
    await new Sweeper(ports).sweep();
  });

/** What of an owner's slots is taken. */
const slotsOf = async ({ store }: World, owners: string[]): Promise<string[]> =>
  (await Promise.all(owners.map((owner) => store.listSlots(owner)))).flatMap(({ running, byProfile }) => [
    ...running,
    ...Object.values(byProfile).flat(),
  ]);

async function happen(world: World, playing: Play, { atMs, kind }: Incident, called: readonly Called[]) {
  const { time, chance, tell } = playing;
  const owners = [...new Set(called.map(({ wish }) => wish.owner))];
  await time.sleep(atMs);
  tell(`incident: ${kind}`);
  if (kind === "machine lost") {
    const key = chance.pick(world.machines.running);
    if (key !== undefined) await world.machines.lose(key);
  }
  if (kind === "runtime deleted") {
    const runtime = chance.pick(world.emulator.runtimes.made);
    if (!runtime) return;
    for (const key of world.machines.running.filter((each) => each.startsWith(`${runtime.arn}/`)))
      await world.machines.lose(key);
    world.emulator.runtimes.vanish(runtime.arn);
    world.vanished.push(runtime.name);
  }
  if (kind === "execution aborted") {
    const execution = chance.pick(world.executions.running);
    if (!execution) return;
    world.executions.abort(execution);
    // EventBridge tells of it, or does not.
    const [, id = "", n] = /^(task_\w+)-(\d+)$/.exec(execution.name) ?? [];
    if (chance.is(0.5)) await world.call("Janitor", 300, (ports) => recoverDead(ports, id, Number(n))).catch(() => {});
  }
  if (kind === "janitor") await clean(world).catch(() => {});
  if (kind === "janitor on all") {
    const ids = (await tasksOf(world, owners)).map(({ id }) => id);
    await world.call("Janitor", 300, (ports) => recoverAll(ports, ids)).catch(() => {});
  }
  if (/stops all|pauses/.test(kind)) await intervene(world, playing, kind, called);
  if (kind === "tokens forgotten") world.emulator.runtimes.forgetTokens();
  if (kind === "image moved") world.standIns.images.digests[IMAGE_KEY] = `sha256:${"2".repeat(64)}`;
}
