import { AGENT, agentWords, command } from "./bench-system.ts";

type Input = Record<string, unknown>;

/** What one job is here, and the bare process to compare it with. */
export type Kind = { name: string; call: Input; bare: readonly [string, ...string[]] };

/** The configuration under which all kinds of jobs can run: a profile whose sessions have an environment of their own. */
export const configuration = {
  backends: {
    here: { adapter: "local-process", account: "local", details: { environment: { GREETING: "hello" } } },
  },
  defaults: { limits: { maxRunning: 40 } },
};

export const plain: Kind = { name: "command.run true", call: command("true"), bare: ["true"] };

export const kinds: readonly Kind[] = [
  plain,
  {
    name: "command.run true with a profile's environment",
    call: { ...command("true"), backend: "here" },
    bare: ["true"],
  },
  {
    name: "agent.run with a framework of one line",
    call: { ...command(""), task_type: "agent.run", input: { instruction: "say done", framework: AGENT } },
    bare: agentWords,
  },
];
