// The local system over standard input and output, as the `mcpServers` of an assistant name it: `agentdispatch-mcp --config
// FILE` is the bridge to it, and with `--check` it says whether that file can be used.
import { parseArgs } from "node:util";
import { checkConfig } from "../lib/client/cli/commands/config-check.ts";

const words = process.argv.slice(2);
if (words.includes("--check")) {
  const { stdout, stderr, stdin, env } = process;
  const options = { check: { type: "boolean" }, config: { type: "string" }, json: { type: "boolean" } } as const;
  const { config, json = false } = parseArgs({ args: words, options }).values;
  process.exitCode = await checkConfig(
    { io: { stdout, stderr, stdin, env } },
    { json, ...(config !== undefined && { config }) },
  );
} else await import("../lib/client/bridge/main.ts");
