import type { Specification } from "../../contract/orchestration/specification.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import { readableOrNewer } from "../../store/stored-task.ts";
import { inLanes } from "../in-lanes.ts";
import type { Ports } from "../ports.ts";
import { saidBy } from "./agent-result.ts";
import { keepAgain } from "./answered-child.ts";
import { childId } from "./children.ts";
import { saysResolved } from "./dialogue.ts";
import type { End } from "./next.ts";

const LANES = 16;

/** What a look at the children that are under way found: those that have ended, and those that are not there. */
type Seen = { ends: End[]; missing: { position: number; id: string }[] };

/** The end of a child, as the whole sees it; undefined while it goes on. */
export async function endOf(
  ports: Ports,
  specification: Specification,
  child: Task & { position: number },
): Promise<End | undefined> {
  if (!hasEnded(child)) return undefined;
  const { position, id, status, error } = child;
  const isResolved =
    specification.type === "dialogue.run" && status === "succeeded" && saysResolved((await saidBy(ports, child)).text);
  return { position, id, status, error, isResolved };
}

/** Looks at each child that was begun and is not known to have ended. */
export async function look(ports: Ports, specification: Specification, { id, orchestration }: Task): Promise<Seen> {
  const seen: Seen = { ends: [], missing: [] };
  await inLanes(LANES, orchestration?.active ?? [], async (position) => {
    const known = { position, id: await childId(id, position) };
    const child = await readableOrNewer(ports.store, known.id);
    if (child === "newer") return;
    if (!child) seen.missing.push(known);
    if (child && hasEnded(child) && child.status !== "cancelled" && !child.phases.provisioning)
      await keepAgain(ports, child);
    const end = child && (await endOf(ports, specification, { ...child, position }));
    if (end) seen.ends.push(end);
  });
  seen.ends.sort((a, b) => a.position - b.position);
  return seen;
}
