/**
 * The Python program agent-dispatch beside this one: the calls of its README through real clients, and what it is known to do
 * badly. Where that program is installed (`AGENTDISPATCH_PEER` has its path, of version 0.16.0), it runs the same calls with the
 * same stand-in for Claude Code, and every field that it answers has to be in our answers with the same type.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { facts, labels, type Machine, machine, ours, type Program } from "./machine.ts";
import { type ReadmeCall, readmeCalls } from "./readme-calls.ts";

const peer = process.env.AGENTDISPATCH_PEER;

/** That program. */
async function theirs({ folder, folders, env }: Machine, command: string): Promise<Program> {
  const file = join(folder, "agents.yaml");
  const agent = (name: string) => ({
    directory: folders[name],
    description: `The ${name}`,
    instructions: "Read-only.",
    capabilities: labels.capabilities,
    risky_capabilities: labels.risky,
    permission_mode: "plan",
    allowed_tools: labels.tools,
    timeout: 300,
    max_budget_usd: 5,
  });
  const groups = {
    shop: { description: "Deploy by infra.", shared_context: facts, members: [{ agent: "infra", use_for: "deploys" }] },
  };
  const agents = { infra: agent("infra"), backend: agent("backend"), db: agent("db") };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ agents, groups, settings: { cache: { enabled: true } } }));
  const client = new Client({ name: "test", version: "1" });
  const all = { ...env, AGENT_DISPATCH_CONFIG: file, AGENT_DISPATCH_JOBS_DIR: join(folder, "jobs") };
  const transport = new StdioClientTransport({ command, args: ["serve"], env: all, stderr: "ignore" });
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  onTestFinished(() => client.close());
  return {
    call: async (name, args) => {
      const { content } = await client.callTool({ name, arguments: args }, undefined, { timeout: 120_000 });
      return JSON.parse((content as { text: string }[])[0]?.text ?? "null") as Json;
    },
  };
}

/** The fields of an answer with their types; of a list those of all its items, under the name of the list. */
function fieldsOf(value: unknown, at = ""): Map<string, Set<string>> {
  const fields = new Map<string, Set<string>>();
  const add = (path: string, type: string) => fields.set(path, new Set([...(fields.get(path) ?? []), type]));
  const all = Array.isArray(value) ? value : [value];
  for (const one of all) {
    if (typeof one !== "object" || one === null) continue;
    for (const [name, inner] of Object.entries(one)) {
      const path = at === "" ? name : `${at}.${name}`;
      add(path, Array.isArray(inner) ? "list" : inner === null ? "null" : typeof inner);
      for (const [below, types] of fieldsOf(inner, path)) for (const type of types) add(below, type);
    }
  }
  return fields;
}

/** Makes every call of the README, one after the other; gives the answers. */
async function run(program: Program, { folders }: Machine): Promise<Map<ReadmeCall, Json>> {
  const kept: Record<string, Json> = { folders };
  const answers = new Map<ReadmeCall, Json>();
  for (const call of readmeCalls) {
    const answer = await program.call(call.tool, typeof call.args === "function" ? call.args(kept) : call.args);
    if (call.keep) kept[call.keep] = answer;
    answers.set(call, answer);
  }
  return answers;
}

function assertAsInReadme(answers: Map<ReadmeCall, Json>): void {
  for (const [{ what, fields, says = {} }, answer] of answers) {
    const found = fieldsOf(answer);
    const missing = fields.split(" ").filter((name) => !found.has(name));
    expect({ what, missing, answer: missing.length > 0 ? answer : {} }).toEqual({ what, missing: [], answer: {} });
    if (!Array.isArray(answer)) expect({ what, answer }).toMatchObject({ what, answer: says });
  }
}

/** What that program has and this one has not, with the reason. */
const notHere: Readonly<Record<string, string>> = {
  "dispatch_status: started_at": "there once the agent has begun",
  "cache_stats: evictions": "an answer has a place of its own, and nothing counts what is overwritten",
};

describe.each(["2026-07-28", "2025-11-25"] as const)("a client on %s", (revision) => {
  test("is answered as the README of the Python program says, call by call", async () => {
    const here = machine();
    assertAsInReadme(await run(await ours(here, revision), here));
  });
});

test("the Python program answers in no field that is not here, of no other type", async ({ skip }) => {
  if (peer === undefined) return skip("AGENTDISPATCH_PEER names no agent-dispatch 0.16.0");
  const there = machine();
  const theirAnswers = await run(await theirs(there, peer), there);
  assertAsInReadme(theirAnswers);
  const here = machine();
  const ourAnswers = await run(await ours(here, "2025-11-25"), here);
  const lacking: string[] = [];
  for (const [call, theirAnswer] of theirAnswers) {
    const found = fieldsOf(ourAnswers.get(call));
    for (const [path, types] of fieldsOf(theirAnswer)) {
      const here = found.get(path);
      const isSame = here && [...types].every((type) => here.has(type));
      if (!isSame) lacking.push(`${call.what}: ${path}${here ? ` is ${[...here]}, not ${[...types]}` : ""}`);
    }
  }
  expect(lacking.filter((one) => !Object.hasOwn(notHere, one))).toEqual([]);
});
