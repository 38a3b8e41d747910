import * as z from "zod";
import { reads, shape, tool } from "./tool.ts";

/** The providers of the configured accounts. */
export const listProviders = tool({
  name: "list_providers",
  title: "List providers",
  description: "Lists the providers that tasks can run on.",
  input: z.strictObject({}),
  output: shape({ items: "array" }),
  annotations: reads,
  run: async ({ ports }) => {
    const served = new Set(Object.values(ports.backends).map(({ provider }) => provider));
    const configured = Object.values(ports.configuration().accounts).map(({ provider }) => provider);
    const items = [...new Set(configured)].filter((provider) => served.has(provider)).sort();
    return { structured: { items }, bare: items };
  },
});
