import { resolve } from "node:path";
import * as z from "zod";
import type { BackendDescription } from "../description.ts";
import { environmentSchema } from "../worker-environment.ts";
import { isFolder } from "./workspace.ts";

/** A worker on this machine is spoken to through its socket alone. */
const protocols = ["http"] as const;

/** Sessions of a worker process on this machine. */
export const localProcess: BackendDescription = {
  name: "local-process",
  provider: "local",
  targetModes: ["session"],
  protocols,
  details: (baseDir) =>
    z.strictObject({
      workspace: z
        .string("must be the path of a folder")
        .min(1, "must be the path of a folder")
        .transform((path) => resolve(baseDir, path))
        .refine(isFolder, { error: ({ input }) => `there is no folder ${input}` })
        .optional(),
      protocol: z.enum(protocols).optional(),
      environment: environmentSchema.optional(),
    }),
  needs: [],
  guarded: {},
  configurationOnly: ["environment"],
  keptDetails: ["workspace"],
  reachesSystem: true,
  aliases: {},
  builtIn: {
    accounts: { local: { provider: "local", credentialSource: "none" } },
    backends: { local: { adapter: "local-process", account: "local" } },
    runtimes: { local: { backend: "local", target: { mode: "session" } } },
    defaults: { runtime: "local" },
  },
};
