import type { Pause } from "../../contract/stopping/pause.ts";
import { admitAll } from "../admission/admission.ts";
import type { Ports } from "../ports.ts";
import type { Whose } from "./held.ts";

export type Action = "status" | "pause" | "resume";

/** How admission stands; after a resume, for how many owners what waits could not be admitted at once. */
export type Admission = { paused: Pause[]; left: number };

/**
 * Pauses the admission of an owner's tasks, or of everybody's, or ends that pause: what waits is admitted at once then, as far as
 * the limits allow it. What runs goes on in any case. `mayGoOn` says whether there is time for another owner.
 */
export async function setAdmission(
  ports: Ports,
  whose: Whose,
  action: Action,
  { mayGoOn = () => true }: { mayGoOn?: () => boolean } = {},
): Promise<Admission> {
  const { store } = ports;
  if (action === "pause")
    await store.pauseAdmission(whose === "everybody" ? { everybody: "operator" } : whose, ports.now());
  const left = action === "resume" ? await resume(ports, whose, mayGoOn) : 0;
  return { paused: await store.listPauses(whose === "everybody" ? undefined : whose.owner), left };
}

async function resume(ports: Ports, whose: Whose, mayGoOn: () => boolean): Promise<number> {
  const { store } = ports;
  if (whose !== "everybody") {
    await store.resumeAdmission(whose);
    await admitAll(ports, whose.owner);
    return 0;
  }
  // Also one that a deletion of the stack left behind, which did not come to its end.
  for (const everybody of ["operator", "deletion"] as const) await store.resumeAdmission({ everybody });
  let left = 0;
  for (const owner of await store.listOwners()) {
    const isDone = mayGoOn() && (await admitAll(ports, owner).then(() => true, noted(ports)));
    if (!isDone) left += 1;
  }
  return left;
}

/** The janitor admits what could not be now. */
const noted = (ports: Ports) => (error: unknown) => {
  ports.log.warn("what waits could not be admitted after a pause; the janitor will", { error: String(error) });
  return false;
};
