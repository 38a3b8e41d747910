/** The toolset `agents` on the cloud as it is deployed, with every service of AWS emulated. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { signingFetch } from "../aws/callers.ts";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { connect } from "../mcp/clients.ts";
import { cloudConfiguration } from "./cloud-under-test.ts";

const agent = (description: string) => ({
  backend: "narrow",
  target: { mode: "session" as const },
  framework: "echo",
  description,
});

let cloud: CloudSystem;
beforeAll(async () => {
  cloud = await openCloudSystem((deployed) => {
    const { runtimes, ...rest } = cloudConfiguration(deployed);
    return {
      ...rest,
      runtimes: {
        ...runtimes,
        a1: {
          ...agent("Reads the logs"),
          capabilities: ["logs"],
          instructions: "Read only.",
          limits: { timeoutSeconds: 600 },
        },
        a2: agent("Knows the data"),
      },
      groups: { shop: { description: "Ask a1 first", sharedContext: "Stack shop-prod", members: [{ agent: "a1" }] } },
    };
  });
});
afterAll(() => cloud?.[Symbol.asyncDispose]());

async function open(revision: "2026-07-28" | "2025-11-25" = "2026-07-28") {
  const client = await connect(cloud.url, revision, signingFetch(cloud.admit()));
  const answer = async (tool: string, args: Json): Promise<Json> => {
    const reply = await client.call(tool, args);
    if (reply.isError) throw new Error(`${tool}: ${JSON.stringify(reply.text)}`);
    return reply.text as Json;
  };
  /** The same, waited for as long as it takes: a call in the cloud waits for 45 s at most. */
  const said = async (tool: string, args: Json): Promise<Json> => {
    let now = await answer(tool, args);
    while (now.timed_out_waiting) now = await answer("dispatch_wait", { job_id: now.job_id ?? now.id });
    return (now.created_at === undefined || tool === "dispatch_wait" ? now : now.result) as Json;
  };
  return { ...client, said };
}

const hex = expect.stringMatching(/^[0-9a-f]{32}$/);

test("the tools are listed where agents are configured, without those that change them", async () => {
  const { listTools, said, call } = await open();
  const names = (await listTools()).map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(
      "list_agents inspect_agent list_groups inspect_group dispatch dispatch_session dispatch_parallel dispatch_stream dispatch_dialogue dispatch_async dispatch_status dispatch_wait dispatch_cancel dispatch_jobs dispatch_gc fetch_result cache_stats cache_clear".split(
        " ",
      ),
    ),
  );
  for (const tool of ["add_agent", "update_agent", "remove_agent"]) {
    expect(names).not.toContain(tool);
    const { isError, text } = await call(tool, { name: "a1", directory: "/srv/a1" });
    expect([isError, text]).toEqual([
      true,
      expect.objectContaining({
        error: expect.stringContaining("deployment"),
        error_code: "configuration.unwritable",
        hint: expect.stringContaining("deploy it again"),
      }),
    ]);
  }
  expect(await said("list_agents", {})).toMatchObject([
    { name: "a1", description: "Reads the logs", healthy: true, capabilities: ["logs"] },
    { name: "a2", description: "Knows the data", healthy: true },
  ]);
  expect(await said("inspect_agent", { name: "a1" })).toMatchObject({ instructions: "Read only.", timeout: 600 });
  expect((await call("inspect_agent", { name: "nobody" })).text).toMatchObject({
    error: "no agent is named nobody",
    error_code: "runtime_profile.not_found",
  });
  expect(await said("list_groups", {})).toMatchObject([
    { name: "shop", shared_context_present: true, member_count: 1, members: [{ agent: "a1", healthy: true }] },
  ]);
});

test("agents are given tasks: one, several, two that talk, in a conversation and in the background", async () => {
  const { said } = await open("2025-11-25");
  const call = { agent: "a1", task: "hello", group: "shop" };
  const told = expect.stringMatching(/Read only[\s\S]*Stack shop-prod[\s\S]*hello/);
  const first = await said("dispatch", call);
  expect(first).toMatchObject({ agent: "a1", success: true, result: told, duration_ms: expect.any(Number) });
  const all = { dispatches: [call, { agent: "a2", task: "two", return_ref: true }], aggregate: "a2" };
  expect(await said("dispatch_parallel", all)).toMatchObject({
    individual_results: [
      { success: true, result: told },
      { success: true, ref: hex },
    ],
    aggregated: { agent: "a2", success: true },
  });
  expect(await said("cache_stats", {})).toMatchObject({ size: 0 });
  const turn = await said("dispatch_session", { agent: "a1", task: "one" });
  expect(await said("dispatch_session", { agent: "a1", task: "two", session_id: turn.session_id })).toMatchObject({
    success: true,
    session_id: turn.session_id,
  });
  const talk = await said("dispatch_dialogue", { requester: "a1", responder: "a2", topic: "why", max_rounds: 1 });
  expect(talk).toMatchObject({ rounds: 1, conversation: [{ agent: "a2" }, { agent: "a1" }] });
  const { job_id, ...receipt } = await said("dispatch_async", { agent: "a2", task: "later" });
  expect([job_id, receipt]).toEqual([hex, { status: expect.stringMatching(/pending|running/), agent: "a2" }]);
  const job = await said("dispatch_wait", { job_id });
  expect(job).toMatchObject({ id: job_id, status: "done", result: { result: expect.stringContaining("later") } });
  expect(await said("fetch_result", { ref: job_id })).toMatchObject({
    success: true,
    result: expect.stringContaining("later"),
  });
  expect(await said("dispatch_cancel", { job_id })).toMatchObject({ outcome: "already_terminal" });
  expect(await said("dispatch_jobs", { status: "done", agent: "a2" })).toMatchObject([{ id: job_id }]);
});
