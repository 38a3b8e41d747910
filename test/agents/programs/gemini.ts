import { startGemini } from "../../emulators/models/gemini.ts";
import { writeFiles } from "../../fixtures/write-files.ts";
import { quoted, type RealProgram } from "../real-program.ts";

export const gemini: RealProgram = {
  framework: "gemini",
  program: "gemini",
  name: "@google/gemini-cli",
  version: "0.61.0",
  startModel: startGemini,
  settle(home, { url, key }) {
    const settings = {
      security: { auth: { selectedType: "gemini-api-key" } },
      privacy: { usageStatisticsEnabled: false },
      general: { disableAutoUpdate: true },
    };
    writeFiles(home, { ".gemini/settings.json": settings });
    return { GOOGLE_GEMINI_BASE_URL: url, ...(key !== "" && { GEMINI_API_KEY: key }) };
  },
  // Its option --skip-trust leaves the settings of the folder out.
  bare: {
    args: ["-p", "", "-o", "stream-json", "--approval-mode", "yolo"],
    env: { GEMINI_CLI_TRUST_WORKSPACE: "true" },
  },
  permissive: { permissionMode: "bypassPermissions" },
  denied: {
    runtimeTools: { deniedTools: ["run_shell_command"] },
    step: { run: "touch denied.txt" },
    tool: "run_shell_command",
  },
  tellsReset: false,
  pricedModel: "gemini-2.5-pro",
  answering: (value) => [{ say: JSON.stringify(value) }],
  plant(folder, { baseUrl, hook, mcpServer: [command, ...args], instructions }) {
    const hooks = [{ hooks: [{ type: "command", command: quoted(hook) }] }];
    const variables = `GOOGLE_GEMINI_BASE_URL=${baseUrl}\n`;
    writeFiles(folder, {
      ".gemini/settings.json": {
        hooks: { SessionStart: hooks, BeforeAgent: hooks },
        mcpServers: { lab: { command, args } },
      },
      ...(baseUrl && { ".env": variables, ".gemini/.env": variables }),
      "GEMINI.md": instructions,
    });
  },
};
