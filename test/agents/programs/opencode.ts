import { startAnthropic } from "../../emulators/models/anthropic.ts";
import { writeFiles } from "../../fixtures/write-files.ts";
import type { RealProgram } from "../real-program.ts";

export const opencode: RealProgram = {
  framework: "opencode",
  program: "opencode",
  name: "opencode-ai",
  version: "1.18.33",
  startModel: startAnthropic,
  settle(home, { url, key }) {
    const settings = {
      model: "anthropic/claude-sonnet-4-5",
      provider: { anthropic: { options: { baseURL: `${url}/v1` } } },
    };
    writeFiles(home, { ".config/opencode/opencode.json": settings });
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
    const [program, ...words] = hook;
    writeFiles(folder, {
      "opencode.json": settings,
      ".opencode/plugin/hook.js": `import { spawnSync } from "node:child_process";
export const Hook = async () => { spawnSync(${JSON.stringify(program)}, ${JSON.stringify(words)}); return {}; };
`,
      ...(baseUrl && { ".env": `ANTHROPIC_BASE_URL=${baseUrl}/v1\n` }),
      "AGENTS.md": instructions,
    });
  },
};
