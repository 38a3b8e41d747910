import type { BackendAdapter, Placement } from "../../backends/adapter.ts";
import { configRequirements } from "../../backends/description.ts";
import { tryRoute } from "../../config/routing.ts";
import { DispatchError } from "../../contract/errors.ts";
import { CAPABILITY, taskTypes } from "../../contract/kinds.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import type { Ports } from "../ports.ts";

type Known = Pick<Ports, "backends" | "configuration">;
type Capability = ToolResult<"list_capabilities">["items"][number];

/** What each registered adapter serves, those of one provider or all, with the agent frameworks that are there. */
export async function listCapabilities(
  ports: Known,
  provider: string | undefined,
): Promise<ToolResult<"list_capabilities">> {
  const adapters = Object.values(ports.backends).filter(
    (adapter) => provider === undefined || adapter.provider === provider,
  );
  const usual = usualPlacement(ports);
  return { items: await Promise.all(adapters.map((adapter) => capabilityOf(adapter, usual))) };
}

async function capabilityOf(adapter: BackendAdapter, usual: Placement | undefined): Promise<Capability> {
  const placement = usual?.backend === adapter.name ? usual : undefined;
  const frameworks = await adapter.inspectFrameworks?.({ ...(placement && { placement }) });
  const defaultFramework = placement?.framework;
  return {
    adapter: adapter.name,
    provider: adapter.provider,
    capability: CAPABILITY,
    taskTypes,
    targetModes: adapter.targetModes,
    protocols: adapter.protocols,
    configRequirements: configRequirements(adapter),
    ...(frameworks && { frameworks }),
    ...(defaultFramework !== undefined && { defaultFramework }),
  };
}

/** Where an agent runs that nobody says anything about; undefined where that has to be said. */
function usualPlacement({ backends, configuration }: Known): Placement | undefined {
  const usual = tryRoute(configuration(), backends, { taskType: "agent.run" }, undefined);
  return usual instanceof DispatchError ? undefined : usual;
}
