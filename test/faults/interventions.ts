import { answerOperator } from "../../lib/engine/stopping/operator.ts";
import type { Chance } from "../storms/random.ts";
import { ask, insist } from "./callers.ts";
import type { Called, Incident } from "./scenario.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { World } from "./world.ts";

type Playing = { time: VirtualTime; chance: Chance };

/** What owners and operators do to many tasks at once: they stop all of them, or let none begin for a while. */
export async function intervene(
  world: World,
  { time, chance }: Playing,
  kind: Incident["kind"],
  called: readonly Called[],
): Promise<void> {
  const isOperator = kind.startsWith("operator");
  const owner = chance.pick(called)?.wish.owner ?? "one";
  if (kind.endsWith("stops all")) {
    for (const each of called) if (isOperator || each.wish.owner === owner) each.cancelAsked = true;
    if (isOperator) await operate(world, time, "stop_all", { confirm: true });
    else await ask({ world, time, owner }, "stop_all", (service) => service.stopAll({ confirm: true }));
    return;
  }
  const set = (action: "pause" | "resume") =>
    isOperator
      ? operate(world, time, "admission", { action })
      : ask({ world, time, owner }, "set_admission", (service) => service.setAdmission({ action }));
  await set("pause");
  await time.sleep(chance.between(0, 20 * 60_000));
  await set("resume");
}

const operate = (world: World, time: VirtualTime, operation: string, more: object) =>
  insist(time, () =>
    world.call(`operator:${operation}`, 300, (ports) => answerOperator(ports, { operation, ...more }, () => true)),
  );
