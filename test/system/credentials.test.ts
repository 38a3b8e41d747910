/** The credentials of this machine's person reach the agent that needs them: no other, no command, no store, no log. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { agentPrograms, claude, codex } from "../fixtures/agent-programs.ts";
import { startSystem, temporaryFolder } from "./system.ts";

const SECRET = "canary-of-the-person";
const providers = [
  "ANTHROPIC_API_KEY",
  "CLAUDE_CODE_OAUTH_TOKEN",
  "OPENAI_API_KEY",
  "GEMINI_API_KEY",
  "AWS_SECRET_ACCESS_KEY",
];
/** Prints the names of the variables in its environment that hold the secret. */
const NAMES = `env | sed -n 's/^\\([A-Z_]*\\)=${SECRET}$/\\1/p' | sort | tr '\\n' ' '`;

test("a key reaches its own framework alone, and is kept nowhere", async () => {
  const folder = temporaryFolder();
  const programs = agentPrograms(folder);
  const answer = `printf '{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"%s","session_id":"s"}\\n' "$(${NAMES})"`;
  programs.install("claude", { ...claude(), run: `cat > /dev/null; ${answer}` });
  programs.install("codex", codex());
  programs.install("names", { version: "", run: NAMES });
  programs.install("mine", { version: "", run: `echo "sees $(${NAMES})"` });
  let said = "";
  const { client } = await startSystem(folder, {
    env: { PATH: programs.PATH, ...Object.fromEntries(providers.map((name) => [name, SECRET])) },
    configuration: {
      backends: {
        here: {
          adapter: "local-process",
          account: "local",
          details: { environment: { AGENTDISPATCH_FRAMEWORK_COMMAND_MINE: join(programs.bin, "mine") } },
        },
      },
      runtimes: { here: { backend: "here" } },
      defaults: { runtime: "here" },
    },
    onStderr: (text) => {
      said += text;
    },
  });
  const outputOf = async (id: unknown) => {
    const record = await client.ended(String(id));
    expect(record).toMatchObject({ status: "succeeded" });
    return String((record.result as Json).output).trim();
  };
  const agent = async (call: Json) =>
    outputOf((await client.must("spawn_cloud_agent", { instruction: "which do you see?", ...call })).taskId);

  expect(await agent({})).toBe("ANTHROPIC_API_KEY CLAUDE_CODE_OAUTH_TOKEN");
  expect(await agent({ framework: "mine" })).toBe("sees");
  const command = await client.command({ command: "names; echo end", shell: true });
  expect(await client.ended(command)).toMatchObject({ status: "succeeded" });
  expect(await client.status(command)).not.toHaveProperty("framework");
  expect(await client.log(command)).toBe("end\n");
  await client.must("list_capabilities", {});
  await client.must("check_cloud_agent_runtime", {});

  expect(said).not.toContain(SECRET);
  const ours = filesIn(folder).filter((path) => !path.startsWith(programs.bin));
  const kept = ours.filter((path) => readFileSync(path, "latin1").includes(SECRET));
  expect(kept).toEqual([]);
});

/** Every file below a folder; sockets and what goes meanwhile are none. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}
