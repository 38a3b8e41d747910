import { toolSchemas } from "../../lib/contract/tools/index.ts";
import { claudeCode } from "../agents/programs/claude-code.ts";
import { codex } from "../agents/programs/codex.ts";
import { gemini } from "../agents/programs/gemini.ts";
import { opencode } from "../agents/programs/opencode.ts";
import type { RealProgram } from "../agents/real-program.ts";
import type { Step } from "../emulators/models/script.ts";

/** An assistant as it is used by nobody who could allow a call: what it may do, it may by what `init` has written. */
export type RealAssistant = {
  program: RealProgram;
  /** How it is run with a prompt on its standard input. */
  run: { args: readonly string[]; env?: Record<string, string> };
  /** What its model does first, where the tools of servers have to be looked for before they can be called. */
  first?: readonly Step[];
  /** How it lists the servers that it knows, and what it says of one that answers. */
  list: { args: readonly string[]; says: RegExp };
};

const ours = Object.keys(toolSchemas);

export const assistants: readonly RealAssistant[] = [
  {
    program: claudeCode,
    run: {
      args: ["-p", "--output-format", "stream-json", "--verbose"],
      env: { DISABLE_AUTOUPDATER: "1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
    },
    first: [
      {
        tool: "ToolSearch",
        input: {
          query: `select:${ours.map((name) => `mcp__agent-dispatch__${name}`).join()}`,
          max_results: ours.length,
        },
      },
    ],
    list: { args: ["mcp", "list"], says: /agent-dispatch: .*✔ Connected/ },
  },
  {
    program: codex,
    // Without this word its first turn does not wait for servers, and the system that ours starts takes longer than a stand-in.
    run: { args: ["exec", "--json", "--skip-git-repo-check", "-c", "mcp_servers.agent-dispatch.required=true", "-"] },
    first: [{ tool: "tool_search", input: { query: ours.join(" "), limit: ours.length * 2 } }],
    list: { args: ["mcp", "list"], says: /^agent-dispatch .*enabled/m },
  },
  {
    program: gemini,
    run: { args: ["-p", "", "-o", "stream-json"], env: { GEMINI_CLI_TRUST_WORKSPACE: "true" } },
    list: { args: ["mcp", "list"], says: /✓ agent-dispatch: .*Connected/ },
  },
  {
    program: opencode,
    run: { args: ["run", "--format", "json", "--title", "t"] },
    list: { args: ["mcp", "list"], says: /✓ agent-dispatch .*connected/ },
  },
];
