import * as z from "zod";
import { CAPABILITY, taskTypes } from "../../contract/task.ts";
import * as field from "./fields.ts";
import { reads, shape, tool } from "./tool.ts";

/** What each registered adapter serves. */
export const listCapabilities = tool({
  name: "list_capabilities",
  title: "List capabilities",
  description:
    "Lists what can run where: for each adapter its provider, capability, task types, target modes, protocols and needed settings.",
  input: z.strictObject({ provider: field.name.optional() }),
  output: shape({ items: "array" }),
  annotations: reads,
  run: async ({ ports }, { provider }) => {
    const items = Object.values(ports.backends)
      .filter((adapter) => provider === undefined || adapter.provider === provider)
      .map((adapter) => ({
        adapter: adapter.name,
        provider: adapter.provider,
        capability: CAPABILITY,
        taskTypes,
        targetModes: adapter.targetModes,
        protocols: adapter.protocols,
        configRequirements: adapter.configRequirements,
      }));
    return { structured: { items }, bare: items };
  },
});
