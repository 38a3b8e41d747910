import * as z from "zod";
import { reads, shape, tool } from "./tool.ts";

/** The providers that this endpoint can run tasks on. */
export const listProviders = tool({
  name: "list_providers",
  title: "List providers",
  description: "Lists the providers that tasks can run on.",
  input: z.strictObject({}),
  output: shape({ items: "array" }),
  annotations: reads,
  run: async ({ ports }) => {
    const items = [...new Set(Object.values(ports.backends).map(({ provider }) => provider))].sort();
    return { structured: { items }, bare: items };
  },
});
