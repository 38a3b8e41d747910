import * as z from "zod";
import * as field from "./fields.ts";
import { frameworkStateSchema } from "./framework-state.ts";
import type { ToolSchemas } from "./schemas.ts";

const nothing = z.strictObject({});
const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), more: field.unlisted(z.number()) });

export const listProviders = { input: nothing, output: listOf(z.string()) } satisfies ToolSchemas;

const names = z.array(z.string()).readonly();

const capability = z.object({
  adapter: z.string(),
  provider: z.string(),
  capability: z.string(),
  taskTypes: names,
  targetModes: names,
  protocols: names,
  /** Names of the settings that a backend or call must give, per target mode. */
  configRequirements: z.record(z.string(), names),
  /** The agent frameworks there: those that could run an agent, and those that would have to be installed. */
  frameworks: z.array(frameworkStateSchema).exactOptional(),
  /** The one that a spawn runs in that names neither framework nor runtime profile. */
  defaultFramework: z.string().exactOptional(),
});

export const listCapabilities = {
  input: z.strictObject({ provider: field.name.optional() }),
  output: listOf(capability),
} satisfies ToolSchemas;

const account = z.object({
  name: z.string(),
  provider: z.string(),
  region: z.string().exactOptional(),
  credentialSource: z.string(),
});

export const listAccountProfiles = { input: nothing, output: listOf(account) } satisfies ToolSchemas;
