import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startGemini } from "../../emulators/models/gemini.ts";
import { quoted, type RealProgram } from "../real-program.ts";

export const gemini: RealProgram = {
  framework: "gemini",
  program: "gemini",
  name: "@google/gemini-cli",
  version: "0.61.0",
  startModel: startGemini,
  settle(home, { url, key }) {
    mkdirSync(join(home, ".gemini"));
    const settings = {
      security: { auth: { selectedType: "gemini-api-key" } },
      privacy: { usageStatisticsEnabled: false },
      general: { disableAutoUpdate: true },
    };
    writeFileSync(join(home, ".gemini/settings.json"), JSON.stringify(settings));
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
    mkdirSync(join(folder, ".gemini"), { recursive: true });
    const settings = { hooks: { SessionStart: hooks, BeforeAgent: hooks }, mcpServers: { lab: { command, args } } };
    writeFileSync(join(folder, ".gemini/settings.json"), JSON.stringify(settings));
    for (const file of [".env", ".gemini/.env"])
      if (baseUrl) writeFileSync(join(folder, file), `GOOGLE_GEMINI_BASE_URL=${baseUrl}\n`);
    writeFileSync(join(folder, "GEMINI.md"), instructions);
  },
};
