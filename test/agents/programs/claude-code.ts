import { startAnthropic } from "../../emulators/models/anthropic.ts";
import { writeFiles } from "../../fixtures/write-files.ts";
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
    const settings = {
      ...(baseUrl && { env: { ANTHROPIC_BASE_URL: baseUrl } }),
      hooks: { SessionStart: hooks, UserPromptSubmit: hooks },
    };
    writeFiles(folder, {
      ".claude/settings.json": settings,
      ".claude/settings.local.json": settings,
      ".mcp.json": { mcpServers: { lab: { command, args } } },
      ...(baseUrl && { ".env": `ANTHROPIC_BASE_URL=${baseUrl}\n` }),
      "CLAUDE.md": instructions,
    });
  },
};
