import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startAnthropic } from "../../emulators/models/anthropic.ts";
import { quoted, type RealProgram } from "../real-program.ts";

export const claudeCode: RealProgram = {
  framework: "claude-code",
  program: "claude",
  name: "@anthropic-ai/claude-code",
  version: "2.1.330",
  startModel: startAnthropic,
  // A subscription's token: only those are told when their limit ends.
  settle: (_home, { url, key }) => ({ ANTHROPIC_BASE_URL: url, ...(key !== "" && { CLAUDE_CODE_OAUTH_TOKEN: key }) }),
  bare: { args: ["-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits"] },
  permissive: { permissionMode: "acceptEdits", allowedTools: ["Bash"] },
  denied: {
    runtimeTools: { deniedTools: ["Bash(touch *)"] },
    step: { run: "touch denied.txt" },
    tool: "Bash",
  },
  tellsReset: true,
  pricedModel: "claude-sonnet-4-5",
  answering: (value) => [{ tool: "StructuredOutput", input: value }, { say: "It is there." }],
  plant(folder, { baseUrl, hook, mcpServer: [command, ...args], instructions }) {
    const hooks = [{ hooks: [{ type: "command", command: quoted(hook) }] }];
    mkdirSync(join(folder, ".claude"), { recursive: true });
    const settings = {
      ...(baseUrl && { env: { ANTHROPIC_BASE_URL: baseUrl } }),
      hooks: { SessionStart: hooks, UserPromptSubmit: hooks },
    };
    writeFileSync(join(folder, ".claude/settings.json"), JSON.stringify(settings));
    writeFileSync(join(folder, ".claude/settings.local.json"), JSON.stringify(settings));
    writeFileSync(join(folder, ".mcp.json"), JSON.stringify({ mcpServers: { lab: { command, args } } }));
    if (baseUrl) writeFileSync(join(folder, ".env"), `ANTHROPIC_BASE_URL=${baseUrl}\n`);
    writeFileSync(join(folder, "CLAUDE.md"), instructions);
  },
};
