import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startAnthropic } from "../../emulators/models/anthropic.ts";
import type { RealProgram } from "../real-program.ts";

export const opencode: RealProgram = {
  framework: "opencode",
  program: "opencode",
  name: "opencode-ai",
  version: "1.18.33",
  startModel: startAnthropic,
  settle(home, { url, key }) {
    mkdirSync(join(home, ".config/opencode"), { recursive: true });
    const settings = {
      model: "anthropic/claude-sonnet-4-5",
      provider: { anthropic: { options: { baseURL: `${url}/v1` } } },
    };
    writeFileSync(join(home, ".config/opencode/opencode.json"), JSON.stringify(settings));
    return key === "" ? {} : { ANTHROPIC_API_KEY: key };
  },
  bare: { args: ["run", "--format", "json", "--title", "t", "--auto"] },
  permissive: { permissionMode: "acceptEdits" },
  denied: { runtimeTools: { deniedTools: ["bash"] }, step: { run: "touch denied.txt" }, tool: "bash" },
  tellsReset: false,
  pricedModel: "anthropic/claude-sonnet-4-5",
  answering: (value) => [{ say: JSON.stringify(value) }],
  plant(folder, { baseUrl, hook, mcpServer, instructions }) {
    const settings = {
      ...(baseUrl && { provider: { anthropic: { options: { baseURL: `${baseUrl}/v1` } } } }),
      mcp: { lab: { type: "local", command: mcpServer, enabled: true } },
    };
    writeFileSync(join(folder, "opencode.json"), JSON.stringify(settings));
    mkdirSync(join(folder, ".opencode/plugin"), { recursive: true });
    const [program, ...words] = hook;
    writeFileSync(
      join(folder, ".opencode/plugin/hook.js"),
      `import { spawnSync } from "node:child_process";
export const Hook = async () => { spawnSync(${JSON.stringify(program)}, ${JSON.stringify(words)}); return {}; };
`,
    );
    if (baseUrl) writeFileSync(join(folder, ".env"), `ANTHROPIC_BASE_URL=${baseUrl}/v1\n`);
    writeFileSync(join(folder, "AGENTS.md"), instructions);
  },
};
