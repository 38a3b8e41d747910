/** An adapter that the project does not know: one registration, and everything about it is in this folder. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startLocal } from "../../../lib/system/local.ts";
import { backendContract } from "../../contract/backend.ts";
import { connect } from "../../mcp/clients.ts";
import { temporaryFolder } from "../../system/system.ts";
import { openMemory, registration } from "./backend.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const accounts = { here: { provider: "shelf", credentialSource: "none" } };

async function start(details: object, more: object = {}) {
  const folder = temporaryFolder();
  const configFile = join(folder, "config.json");
  const backends = { shelves: { adapter: "memory", account: "here", details } };
  const runtimes = { quick: { backend: "shelves", framework: "echo" } };
  writeFileSync(configFile, JSON.stringify({ accounts, backends, runtimes, ...more }));
  const stateDir = join(folder, "state");
  const system = await startLocal({ stateDir, configFile, prewarm: false, log: silent, adapters: [registration] });
  onTestFinished(() => system.close());
  return connect(system.url, "2026-07-28", system.token);
}

describe("the adapter of a stranger", () => {
  test("asks its own questions, takes the answers as fields, and runs the task to its result", async () => {
    const { call } = await start({}, { allowed: { shelves: ["north", "south"] } });
    const asked = await call("spawn_cloud_agent", { instruction: "run" });
    expect(asked.structured).toMatchObject({
      status: "needs_clarification",
      questions: [
        { id: "shelf", question: "Which shelf should it run on?", choices: ["north", "south"] },
        { id: "colour", choices: ["red", "blue"] },
      ],
    });
    const { structured } = await call("spawn_cloud_agent", { instruction: "run", shelf: "south", colour: "red" });
    expect(structured).toMatchObject({ backend: "memory" });
    const task_id = structured?.taskId as string;
    const { structured: ended } = await call("wait_for_task", { task_id, timeout_seconds: 30 });
    expect(ended).toMatchObject({ status: "succeeded" });
    expect((await call("get_task_result", { task_id })).structured).toMatchObject({ result: { ran: task_id } });
    const { structured: record } = await call("get_task_status", { task_id });
    expect(record).toMatchObject({ target: { details: { shelf: "south", colour: "red" } } });
  });

  test("has names that callers may not give, its own checks, and a place in the list", async () => {
    const { call } = await start({ shelf: "north", colour: "blue" });
    const refused = await call("spawn_cloud_agent", { instruction: "run", target: { details: { shelf: "attic" } } });
    expect(refused.text).toMatchObject({
      error: { code: "policy.denied", hint: expect.stringContaining("allowed.shelves") },
    });
    const { structured: checked } = await call("check_cloud_agent_runtime", {});
    expect(checked).toMatchObject({
      ok: true,
      adapter: "memory",
      checks: expect.arrayContaining([{ name: "shelf", status: "pass", message: "shelf north has room" }]),
    });
    const { structured: listed } = await call("list_capabilities");
    const items = listed?.items as { adapter: string; configRequirements: object }[];
    expect(items.find(({ adapter }) => adapter === "memory")?.configRequirements).toEqual({
      session: ["shelf", "colour"],
    });
  });

  test.each([
    [{ shelf: "N1" }, "backends.shelves.details.shelf: must be a word"],
    [{ shelv: "north" }, "did you mean shelf?"],
  ])("has details that are refused when the configuration is loaded: %j", async (details, text) => {
    await expect(start(details)).rejects.toThrow(text);
  });
});

describe("backend contract: memory", () =>
  backendContract(async () => {
    const adapter = openMemory();
    return {
      adapter,
      accountProfile: "here",
      target: { mode: "session", details: { shelf: "north" } },
      left: async () => [...adapter.sessions.keys()],
      lose: async ({ session }) => adapter.lose(session?.id ?? "", false),
      close: async () => {},
    };
  }));
