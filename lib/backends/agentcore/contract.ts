import { RefusedError } from "../../contract/errors.ts";
import { CONTRACT_TAG, TASK_TAG } from "../../contract/runtimes.ts";
import { CONTRACT } from "../../contract/worker.ts";
import type { Placement } from "../adapter.ts";
import type { ControlPlane } from "./account/clients.ts";
import { getRuntime } from "./known-runtimes.ts";
import { detail, isServerProtocol, NO_CONTRACT } from "./place.ts";
import { explain, isDenied } from "./problems.ts";
import type { RuntimeRef } from "./resources.ts";

/** What a session target says of its runtime. */
export type Known = { contract: typeof CONTRACT | typeof NO_CONTRACT; serverProtocol?: string };

/** What the configuration or the call says of the contract. Throws RefusedError `task.target_incomplete` for anything else. */
export function saidContract(placed: Pick<Placement, "target">): Known["contract"] | undefined {
  const said = detail(placed, "contract");
  if (said === undefined || said === CONTRACT || said === NO_CONTRACT) return said;
  throw new RefusedError("task.target_incomplete", `target.details.contract is ${JSON.stringify(said)}`, {
    hint: `it is ${CONTRACT} for a runtime with the worker of this project, or ${NO_CONTRACT}`,
  });
}

/**
 * Whether a runtime knows the worker contract, and what it speaks if not. The configuration says so, else the runtime's
 * tags; it is not asked itself, because a stranger's agent might act on a greeting. Throws DispatchError.
 * https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_ListTagsForResource.html
 */
export async function learnContract(
  open: () => Promise<ControlPlane>,
  placed: Pick<Placement, "target" | "accountProfile">,
  runtime: RuntimeRef,
): Promise<Known> {
  const contract = saidContract(placed) ?? (await taggedContract(await open(), runtime, placed));
  if (contract !== NO_CONTRACT) return { contract };
  const serverProtocol = detail(placed, "serverProtocol") ?? (await spoken(await open(), runtime));
  return { contract, ...(isServerProtocol(serverProtocol) && { serverProtocol }) };
}

async function taggedContract(
  plane: ControlPlane,
  { arn, id }: RuntimeRef,
  { accountProfile }: Pick<Placement, "accountProfile">,
): Promise<Known["contract"]> {
  const { client, ListTagsForResourceCommand } = plane;
  try {
    const { tags = {} } = await client.send(new ListTagsForResourceCommand({ resourceArn: arn }));
    if (tags[TASK_TAG] !== undefined) throw ofAnotherTask();
    return tags[CONTRACT_TAG] === CONTRACT ? CONTRACT : NO_CONTRACT;
  } catch (error) {
    const explained = explain(error, { action: "ListTagsForResource", runtimeId: id, accountProfile });
    if (!isDenied(error) || !(explained instanceof RefusedError)) throw explained;
    const said = `or set target.details.contract: ${CONTRACT} for a runtime with the worker of this project, ${NO_CONTRACT} for any other`;
    throw explained.with({ hint: `${explained.hint}; ${said}` });
  }
}

export const ofAnotherTask = (): RefusedError =>
  new RefusedError("policy.denied", "this runtime was made for one task, which alone may use it", {
    hint: "name another runtime, or dispatch in mode runtime",
  });

/** What the runtime speaks; undefined when nobody may know, and then what was configured is tried. */
async function spoken(plane: ControlPlane, runtime: RuntimeRef): Promise<string | undefined> {
  try {
    return (await getRuntime(plane, runtime))?.protocolConfiguration?.serverProtocol;
  } catch (error) {
    if (error instanceof RefusedError && error.code === "platform.access_denied") return undefined;
    throw error;
  }
}
