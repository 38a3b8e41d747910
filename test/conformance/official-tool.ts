import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import * as z from "zod";

const checkSchema = z.object({
  id: z.string(),
  description: z.string(),
  status: z.enum(["SUCCESS", "FAILURE", "WARNING", "SKIPPED", "INFO"]),
  errorMessage: z.string().optional(),
});
export type Check = z.infer<typeof checkSchema>;
/** What the tool has found in one scenario. */
export type Scenario = { name: string; checks: Check[] };

/** Each revision has the tool that judges it: the one that knows 2026-07-28 tests less of 2025-11-25. */
const tools = {
  "2025-11-25": {
    program: import.meta.resolve("conformance-2025/dist/index.js"),
    words: ["--suite", "active", "--spec-version", "2025-11-25"],
  },
  "2026-07-28": {
    program: import.meta.resolve("conformance-2026/dist/index.js"),
    // Those of extensions come with it.
    words: ["--requirements", "2026-07-28", "--timeout", "600000"],
  },
} as const;
/** Loaded into the tool before anything else. */
const slowClock = new URL("slow-clock.mjs", import.meta.url).href;
export type Revision = keyof typeof tools;
export const revisions = Object.keys(tools) as Revision[];

/**
 * Runs the official conformance tool of a revision against an endpoint that wants no credentials. Throws when it does not
 * come to its end. https://github.com/modelcontextprotocol/conformance
 */
export async function runOfficialTool(revision: Revision, url: string): Promise<Scenario[]> {
  const { program, words } = tools[revision];
  const folder = await mkdtemp(join(tmpdir(), "agent-dispatch-conformance-"));
  try {
    const args = [
      "--import",
      slowClock,
      fileURLToPath(program),
      "server",
      "--url",
      url,
      ...words,
      "--output-dir",
      folder,
    ];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    // It ends with 1 also where a scenario failed.
    if (!out.includes("=== SUMMARY ==="))
      throw new Error(`the tool for ${revision} broke off: ${err}${out.slice(-2000)}`);
    return await readScenarios(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Each has a folder, `server-<name>-<time>`, which is empty when it broke off. */
async function readScenarios(folder: string): Promise<Scenario[]> {
  const names = await readdir(folder);
  const read = names.map(async (each): Promise<Scenario> => {
    const name = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(each)?.[1];
    if (name === undefined) throw new Error(`the tool left something unknown: ${each}`);
    const checks = await readFile(join(folder, each, "checks.json"), "utf8").catch(() => undefined);
    if (checks !== undefined) return { name, checks: z.array(checkSchema).parse(JSON.parse(checks)) };
    const description = "the scenario comes to its end";
    return { name, checks: [{ id: name, description, status: "FAILURE", errorMessage: "it broke off" }] };
  });
  return (await Promise.all(read)).sort((one, other) => (one.name < other.name ? -1 : 1));
}
