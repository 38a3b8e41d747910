import * as z from "zod";
import { reads, shape, tool } from "./tool.ts";

/** The configured account profiles, without any secret. */
export const listAccountProfiles = tool({
  name: "list_account_profiles",
  title: "List account profiles",
  description: "Lists the account profiles that tasks can run under, with their provider and region.",
  input: z.strictObject({}),
  output: shape({ items: "array" }),
  annotations: reads,
  run: async ({ ports }) => {
    const items = Object.entries(ports.configuration().accounts).map(([name, account]) => ({
      name,
      provider: account.provider,
      ...(account.region && { region: account.region }),
      credentialSource: account.credentialSource,
    }));
    return { structured: { items }, bare: items };
  },
});
