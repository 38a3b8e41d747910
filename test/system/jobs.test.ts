/** The toolset `agents`, through real clients of both generations and a whole system on this machine. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { connect, type Reply, type Revision } from "../mcp/clients.ts";
import { officialClients } from "../mcp/official-clients.ts";
import { processesOf, startSystem, temporaryFolder } from "./system.ts";

const script = join(import.meta.dirname, "../fixtures/scripted-agent.mjs");

/** A system with the agents `a1` and `a2`, whose tasks are their scripts. */
async function open({
  revision = "2026-07-28",
  configuration = {},
}: {
  revision?: Revision;
  configuration?: Json;
} = {}) {
  const stateDir = temporaryFolder();
  const agent = (name: string) => {
    const workspace = join(stateDir, name);
    mkdirSync(workspace);
    return { backend: "local", framework: "scripted", workspace, description: `The agent ${name}` };
  };
  const options = {
    revision,
    env: { AGENTDISPATCH_FRAMEWORK_COMMAND_SCRIPTED: `${process.execPath} ${script}` },
    configuration: {
      accounts: { local: { provider: "local", credentialSource: "none" } },
      backends: { local: { adapter: "local-process", account: "local" } },
      runtimes: { a1: agent("a1"), a2: agent("a2") },
      groups: { shop: { sharedContext: "Stack shop-prod", members: [{ agent: "a1" }] } },
      ...configuration,
    },
  };
  const system = await startSystem(stateDir, options);
  /** Kills it and starts it anew. */
  const restart = async () => {
    await system.kill("SIGKILL");
    return (await startSystem(stateDir, options)).client;
  };
  const client = await connect(system.url, revision, system.token);
  const said = async (tool: string, args: Json, onProgress?: (told: Json) => void): Promise<Json> => {
    const reply = await client.call(tool, args, onProgress);
    if (reply.isError) throw new Error(`${tool}: ${JSON.stringify(reply.text)}`);
    return reply.text as Json;
  };
  const refused = async (tool: string, args: Json): Promise<Json> => {
    const reply: Reply = await client.call(tool, args);
    if (!reply.isError) throw new Error(`${tool} was not refused: ${JSON.stringify(reply.text)}`);
    return reply.text as Json;
  };
  const file = (name: string) => join(stateDir, name);
  return {
    ...client,
    url: system.url,
    token: system.token,
    restart,
    said,
    refused,
    file,
    release: (name: string) => writeFileSync(file(name), ""),
  };
}

const hex = expect.stringMatching(/^[0-9a-f]{32}$/);
const session = expect.stringMatching(/^conv_[0-9a-f]{32}$/);

describe.each(["2026-07-28", "2025-11-25"] as const)("a client on %s", (revision) => {
  test("dispatches, and is answered with what the agent came to", async () => {
    const { said, refused, listTools } = await open({ revision });
    const names = (await listTools()).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(
        "list_agents inspect_agent list_groups inspect_group dispatch dispatch_session dispatch_parallel dispatch_stream dispatch_dialogue dispatch_async dispatch_status dispatch_wait dispatch_cancel dispatch_jobs dispatch_gc fetch_result cache_stats cache_clear add_agent update_agent remove_agent".split(
          " ",
        ),
      ),
    );
    // As a program calls that fills in every parameter.
    const empty = { context: "", caller: "", goal: "", response_format: "", timeout_seconds: 0, group: "" };
    expect(await said("dispatch", { agent: "a1", task: "hello", ...empty, return_ref: false })).toMatchObject({
      agent: "a1",
      success: true,
      result: "done: hello",
      session_id: session,
      duration_ms: expect.any(Number),
    });
    expect(await said("dispatch", { agent: "a1", task: "fail no such table" })).toMatchObject({
      agent: "a1",
      success: false,
      error: expect.any(String),
      error_type: "cli_error",
    });
    expect(await refused("dispatch", { agent: "a3", task: "hello" })).toMatchObject({
      error: expect.stringContaining("a3"),
      error_code: "runtime_profile.not_found",
    });
    expect(await refused("dispatch", { agent: "a2", task: "hello", group: "shop" })).toMatchObject({
      error: "group: a2 is no member of shop",
      hint: "its members are: a1",
    });
  });

  test("dispatches to several, in order, and to one that makes one answer of all", async () => {
    const { said } = await open({ revision });
    const dispatches = [
      { agent: "a1", task: "one" },
      { agent: "a2", task: "fail two", context: "a fact" },
      { agent: "a1", task: "three", return_ref: true, summary_chars: 4 },
    ];
    const list = (await said("dispatch_parallel", { dispatches: JSON.stringify(dispatches) })) as unknown as Json[];
    expect(list).toMatchObject([
      { agent: "a1", success: true, result: "done: one" },
      { agent: "a2", success: false, error_type: "cli_error" },
      { agent: "a1", success: true, ref: hex, size: 11, summary: "don…" },
    ]);
    expect(list[2]).not.toHaveProperty("result");
    expect(await said("fetch_result", { ref: list[2]?.ref })).toMatchObject({ success: true, result: "done: three" });
    const both = await said("dispatch_parallel", { dispatches, aggregate: "a2" });
    expect(both).toMatchObject({
      individual_results: [{ success: true }, { success: false }, { ref: hex }],
      aggregated: { agent: "a2", success: true },
    });
  });

  test("lets a job run in the background, looks at it, waits for it and lists it", async () => {
    const { said, file, release } = await open({ revision });
    const task = `log I have begun;await ${file("go")};the end`;
    const begun = await said("dispatch_async", { agent: "a1", task, caller: "me" });
    expect(begun).toEqual({ job_id: hex, status: expect.stringMatching(/^(pending|running)$/), agent: "a1" });
    const { job_id } = begun;
    await expect
      .poll(() => said("dispatch_status", { job_id }), { timeout: 60_000 })
      .toMatchObject({ id: job_id, agent: "a1", task, caller: "me", status: "running", progress: ["I have begun"] });
    expect(await said("dispatch_wait", { job_id, timeout_seconds: 1 })).toMatchObject({ timed_out_waiting: true });
    expect(await said("fetch_result", { ref: job_id })).toMatchObject({ status: "running" });
    release("go");
    const job = await said("dispatch_wait", { job_id: `task_${job_id}`, timeout_seconds: 60 });
    expect(job).toMatchObject({ id: job_id, status: "done", result: { agent: "a1", success: true } });
    expect((job.completed_at as number) >= (job.started_at as number)).toBe(true);
    expect(await said("dispatch_jobs", { agent: "a1", status: "done" })).toMatchObject([
      { id: job_id, agent: "a1", status: "done", success: true, task: expect.any(String) },
    ]);
    expect(await said("dispatch_jobs", { status: "failed" })).toEqual([]);
  });

  test("has two agents talk", async () => {
    const { said } = await open({ revision });
    const talk = { requester: "a1", responder: "a2", topic: "why", max_rounds: 1 };
    expect(await said("dispatch_dialogue", talk)).toMatchObject({
      rounds: 1,
      total_cost_usd: 0,
      total_duration_ms: expect.any(Number),
      final_answer: expect.any(String),
      conversation: [
        { agent: "a2", role: "responder", round: 1, message: expect.any(String), cost_usd: null },
        { agent: "a1", role: "requester", round: 1 },
      ],
    });
  });
});

test("a call that cannot wait any longer says how to go on, and nothing is lost", async () => {
  const { said, file, release } = await open({ configuration: { dispatch: { waitSeconds: 1 } } });
  const told: Json[] = [];
  const task = `await ${file("go")};late`;
  const answer = await said("dispatch_stream", { agent: "a1", task }, (news) => told.push(news));
  expect(answer).toMatchObject({ job_id: hex, agent: "a1", timed_out_waiting: true, session_id: session });
  expect(answer.hint).toContain(`dispatch_wait with job_id ${answer.job_id}`);
  expect(told.length).toBeGreaterThan(0);
  release("go");
  expect(await said("dispatch_wait", { job_id: answer.job_id })).toMatchObject({
    status: "done",
    result: { result: expect.stringContaining("late") },
  });
  const parallel = await said("dispatch_parallel", { dispatches: [{ agent: "a1", task: `await ${file("go2")};x` }] });
  expect(parallel).toMatchObject({ job_id: hex, timed_out_waiting: true });
  release("go2");
  expect(await said("dispatch_wait", { job_id: parallel.job_id })).toMatchObject({
    agent: "parallel.run",
    status: "done",
    result: { individual_results: [{ success: true }] },
  });
});

describe.each(["legacy", "modern"] as const)("a %s client that asks for no progress", (era) => {
  test("hears as messages of a log what an agent does, and has the last of it in the answer", async () => {
    const { url, token, file, release } = await open();
    const client = await officialClients[era](url, { requestInit: { headers: { authorization: `Bearer ${token}` } } });
    const heard: unknown[] = [];
    const begun = Promise.withResolvers<void>();
    const hear = ({ params }: { params: { data?: unknown } }) => {
      heard.push(params.data);
      if (String(params.data).includes("I have begun")) begun.resolve();
    };
    client.fallbackNotificationHandler = async (told) => hear(told as { params: { data?: unknown } });
    const task = `log I have begun;await ${file("go")};the end`;
    const asked = { name: "dispatch_stream", arguments: { agent: "a1", task } };
    const answer = client.callTool({ ...asked, _meta: { "io.modelcontextprotocol/logLevel": "info" } });
    await begun.promise;
    release("go");
    const { structuredContent } = await answer;
    expect(structuredContent).toMatchObject({ success: true, progress: expect.arrayContaining(["I have begun"]) });
    expect(heard).toContain("running: I have begun");
  });
});

test("the same request is answered by the task that was done with it, where one wants that", async () => {
  const { said } = await open();
  const call = { agent: "a1", task: "what is new;finish", cache: true };
  const first = await said("dispatch", call);
  expect(first).not.toHaveProperty("cached");
  expect(await said("dispatch", call)).toEqual({ ...first, cached: true });
  expect(await said("dispatch", { ...call, cache: false })).not.toHaveProperty("cached");
  expect(await said("cache_stats", {})).toMatchObject({ size: 1, hits: 1 });
  const other = { ...call, task: "what else;finish" };
  const parallel = async (dispatches: Json[]) => (await said("dispatch_parallel", { dispatches })) as unknown as Json[];
  const [again, anew, told] = await parallel([call, { ...call, cache: false }, other]);
  expect(again).toEqual({ ...first, task_id: expect.any(String), cached: true });
  expect(again?.task_id).not.toBe(first.task_id);
  for (const ran of [anew, told]) expect(ran).not.toHaveProperty("cached");
  // What an item came to answers the same request, too, however it is asked.
  expect(await said("dispatch", other)).toEqual({ ...told, cached: true });
  expect(await parallel([{ ...other, return_ref: true }])).toMatchObject([{ ref: hex }]);
  expect(await said("fetch_result", { ref: (again as Json).task_id })).toMatchObject({ cached: true, success: true });
  expect(await said("cache_clear", {})).toEqual({ cleared: 3 });
});

test("a conversation goes on with a session", async () => {
  const { said } = await open();
  const first = await said("dispatch_session", { agent: "a1", task: "one", session_id: "" });
  const next = await said("dispatch_session", { agent: "a1", task: "two", session_id: first.session_id });
  expect(next).toMatchObject({ success: true, session_id: first.session_id });
});

test("a cancel ends a job that runs, with what it had started, and one that waits", async () => {
  const { said, file, refused } = await open({ configuration: { defaults: { limits: { maxRunning: 1 } } } });
  const runs = await said("dispatch_async", { agent: "a1", task: `leave here;await ${file("never")}` });
  await expect.poll(() => said("dispatch_status", { job_id: runs.job_id })).toMatchObject({ status: "running" });
  const waits = await said("dispatch_async", { agent: "a2", task: "x" });
  expect(await said("dispatch_cancel", { job_id: waits.job_id })).toMatchObject({
    outcome: "cancelled",
    status: "cancelled",
  });
  expect(await said("dispatch_cancel", { job_id: runs.job_id })).toMatchObject({
    job_id: runs.job_id,
    outcome: "cancelled_running",
    status: "cancelled",
  });
  expect(await processesOf(`task_${runs.job_id}`)).toEqual([]);
  expect(await said("dispatch_cancel", { job_id: runs.job_id })).toMatchObject({ outcome: "already_terminal" });
  expect(await refused("dispatch_cancel", { job_id: "0".repeat(32) })).toMatchObject({ error_code: "task.not_found" });
  expect(existsSync(file("never"))).toBe(false);
});

test("an answer that is larger than a reply is cut, and the rest is fetched from there on", async () => {
  const { said } = await open();
  const long = "word ".repeat(12_000).trim();
  const cut = await said("dispatch", { agent: "a1", task: long });
  expect(cut).toMatchObject({ success: true, truncated: true, full_size: long.length + 6, ref: hex });
  let whole = "";
  for (let offset: unknown = 0; offset !== undefined; ) {
    const page = await said("fetch_result", { ref: cut.ref, offset });
    whole += page.result;
    offset = page.next_offset;
  }
  expect(whole).toBe(`done: ${long}`);
  expect(await said("fetch_result", { ref: cut.ref, max_chars: 10 })).toMatchObject({
    result: "done: word",
    truncated: true,
    full_size: long.length + 6,
  });
});

test("where the server is killed, the job goes on and its result is there", async () => {
  const { said, file, release, restart } = await open();
  const { job_id } = await said("dispatch_async", { agent: "a1", task: `log begun;await ${file("go")};the end` });
  await expect
    .poll(() => said("dispatch_status", { job_id }), { timeout: 60_000 })
    .toMatchObject({ status: "running" });
  const client = await restart();
  release("go");
  const job = await client.must("dispatch_wait", { job_id, timeout_seconds: 300 });
  expect(job).toMatchObject({ status: "done", result: { success: true, result: expect.stringContaining("the end") } });
});

test("a context of 200 KB reaches the agent, and calls are answered while it works", async () => {
  const { said, file, release } = await open();
  const task = `await ${file("go")};x`;
  const answer = said("dispatch", { agent: "a1", task, context: "fact ".repeat(40_000), response_format: "" });
  const looks = await Promise.all(Array.from({ length: 8 }, () => said("dispatch_jobs", {})));
  expect(looks).toHaveLength(8);
  release("go");
  expect(await answer).toMatchObject({ success: true });
});
