import type { BuiltInFramework } from "../../lib/contract/frameworks.ts";
import type { Framework } from "./framework.ts";
import type { AgentProgram } from "./programs/program.ts";

/** The installed programs that are frameworks; each file is loaded when it is used. */
const agentPrograms: Partial<Record<BuiltInFramework, () => Promise<AgentProgram>>> = {
  "claude-code": async () => (await import("./programs/claude-code/claude-code.ts")).claudeCode,
  codex: async () => (await import("./programs/codex/codex.ts")).codex,
  gemini: async () => (await import("./programs/gemini/gemini.ts")).gemini,
  opencode: async () => (await import("./programs/opencode/opencode.ts")).opencode,
  strands: async () => (await import("./strands/strands.ts")).strands,
};

/** The other frameworks of ours, loaded when they are used. */
const others: Partial<Record<BuiltInFramework, () => Promise<Framework>>> = {
  echo: async () => (await import("./echo.ts")).echo,
};

const fromProgram = async (load: () => Promise<AgentProgram>): Promise<Framework> => {
  const [{ programFramework }, program] = await Promise.all([import("./programs/run-program.ts"), load()]);
  return programFramework(program);
};

/** Every framework of ours by its name. Nothing of one is loaded before it is asked for. */
export const builtIn: ReadonlyMap<string, () => Promise<Framework>> = new Map([
  ...Object.entries(others),
  ...Object.entries(agentPrograms).map(([name, load]) => [name, () => fromProgram(load)] as const),
]);
