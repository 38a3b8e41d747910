import * as z from "zod";
import type { BackendDescription } from "../../../lib/backends/description.ts";

/** Workers that are objects on shelves of this process. */
export const memory: BackendDescription = {
  name: "memory",
  provider: "shelf",
  targetModes: ["session"],
  protocols: ["http"],
  details: () =>
    z.strictObject({
      shelf: z
        .string()
        .regex(/^[a-z]+$/, "must be a word")
        .optional(),
      colour: z.enum(["red", "blue"]).optional(),
    }),
  needs: [
    { name: "shelf", modes: ["session"], question: "Which shelf should it run on?" },
    { name: "colour", modes: ["session"], question: "Which colour should it be?", choices: ["red", "blue"] },
  ],
  guarded: { shelf: { list: "shelves", what: "shelf" } },
  configurationOnly: [],
  aliases: {},
};
