// The local system over standard input and output, as the `mcpServers` of an assistant name it: `agentdispatch-mcp --config
// FILE` is the bridge to it, and with `--check` it says whether that file can be used.
import { parseArgs } from "node:util";
import { checkConfig } from "../lib/client/cli/commands/config-check.ts";
import { codeOf, InvalidInputError } from "../lib/contract/errors.ts";

const words = process.argv.slice(2);
void (words.includes("--check") ? check() : import("../lib/client/bridge/main.ts"));

async function check(): Promise<void> {
  const { stdout, stderr, stdin, env } = process;
  const options = { check: { type: "boolean" }, config: { type: "string" }, json: { type: "boolean" } } as const;
  try {
    const { config, json = false } = parseArgs({ args: words, options }).values;
    process.exitCode = await checkConfig(
      { io: { stdout, stderr, stdin, env } },
      { json, ...(config !== undefined && { config }) },
    );
  } catch (error) {
    const isUsage = String(codeOf(error)).startsWith("ERR_PARSE_ARGS") || error instanceof InvalidInputError;
    if (!isUsage || !(error instanceof Error)) throw error;
    stderr.write(`agentdispatch-mcp: ${error.message}\n`);
    process.exitCode = 2;
  }
}
