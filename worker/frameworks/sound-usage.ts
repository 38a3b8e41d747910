import type { Usage } from "../../lib/contract/agent.ts";
import { usageSchema } from "../../lib/contract/worker.ts";

/** What can be counted of what a program says that it used: the rest is left out, and costs nobody the answer. */
export const soundUsage = (usage: Usage): Usage =>
  Object.fromEntries(Object.entries(usage).filter(([name, value]) => usageSchema.safeParse({ [name]: value }).success));
