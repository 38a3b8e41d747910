import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { type AtEnd, problemOf, type Revision, revisions } from "../../mcp/clients.ts";
import type { SystemClient } from "../system.ts";
import type { OpenedSystem, SystemUnderTest } from "../under-test.ts";

/** Of the toolset core; a2a_send is of all, and can be called as well. */
const tools = [
  "cancel_task",
  "check_cloud_agent_runtime",
  "dispatch_task",
  "get_task_logs",
  "get_task_result",
  "get_task_status",
  "list_account_profiles",
  "list_capabilities",
  "list_providers",
  "list_tasks",
  "send_task_input",
  "spawn_cloud_agent",
  "wait_for_task",
];

/** Those for agents that live in folders are there on one machine alone, and have tests of their own. */
const ofAgents = ["add_agent", "inspect_agent", "list_agents", "remove_agent", "update_agent"];

type Opened = { client: SystemClient; connect: OpenedSystem["connect"] };
/** What can be tested wherever the system runs. */
type Anywhere = Pick<SystemUnderTest, "about" | "read"> & { open(options: { atEnd: AtEnd }): Promise<Opened> };

/** From the call to the result; `spoken` as for `dispatching`. Nothing but the endpoint and the addresses of files is reached. */
export function dispatchingAnywhere(
  { about, open, read }: Anywhere,
  spoken: readonly Revision[] = revisions.slice(0, 1),
): void {
  describe.each(spoken)("a client of %s", (revision) => {
    it("drives every tool against the real system", async ({ expect, onTestFinished: atEnd }) => {
      const opened = await open({ atEnd });
      const { client, listTools } = await opened.connect(revision);
      const { call, must, command, ended, log } = client;
      const listed = (await listTools()).map(({ name }) => String(name)).filter((name) => !ofAgents.includes(name));
      expect(listed.sort()).toEqual(tools);

      expect((await call("list_providers")).text).toEqual(about.providers);
      expect((await call("list_account_profiles")).text).toMatchObject(about.accounts);
      expect((await call("list_capabilities")).text).toMatchObject(about.capabilities);
      expect(await must("check_cloud_agent_runtime", { live: false })).toMatchObject({ ok: true, ...about.check });
      const named = about.framework === undefined ? {} : { framework: "no-such" };
      const asked = await must("spawn_cloud_agent", { instruction: "hello", ...named });
      expect(asked).toMatchObject({ status: "needs_clarification", questions: [{ id: "framework" }] });
      expect((asked.questions as Json[])[0]?.choices).toContain("echo");
      const checked = await must("check_cloud_agent_runtime", { live: false });
      const [status, framework] = about.framework === undefined ? ["warn", "echo"] : ["pass", about.framework];
      expect(checked.checks).toContainEqual(
        expect.objectContaining({ name: "framework", status, message: expect.stringContaining(framework) }),
      );

      const spawned = await must("spawn_cloud_agent", {
        instruction: "hello",
        framework: "echo",
        goal: "to greet",
        context: { city: "Oslo" },
      });
      expect(spawned).toMatchObject({
        status: expect.stringMatching(/^(queued|provisioning)$/),
        backend: about.backend,
      });
      const record = await ended(spawned.taskId as string);
      expect(record).toMatchObject({ id: spawned.taskId, status: "succeeded" });
      expect((record.result as Json).output).toContain("## Goal\n\nto greet");
      const { sessionId, runtimeSessionId = sessionId } = record.providerRefs as Record<string, string>;
      expect(runtimeSessionId).toMatch(/^ad-[0-9a-f]{32}$/);

      const id = await command({ command: "echo out; echo err >&2; exit 3", shell: true });
      await ended(id);
      expect(await must("get_task_status", { task_id: id })).toMatchObject({
        status: "failed",
        error: { code: "task.exit_code" },
      });
      expect(await must("get_task_result", { task_id: id })).toMatchObject({
        status: "failed",
        result: { exitCode: 3, timedOut: false },
      });
      expect((await log(id)).split("\n").sort()).toEqual(["", "err", "out"]);
      expect(((await must("list_tasks", {})).items as Json[]).map((task) => task.id)).toEqual([id, spawned.taskId]);
      for (const [tool, more] of [
        ["cancel_task", {}],
        ["send_task_input", { message: "hello" }],
        ["a2a_send", { text: "hello" }],
      ] as const)
        expect(problemOf(await call(tool, { task_id: id, ...more }))).toMatchObject({ code: "task.terminal" });
    });
  });

  describe("artifacts", () => {
    it("come back from the worker, and can be opened", async ({ expect, onTestFinished: atEnd }) => {
      const { client } = await open({ atEnd });
      const script = 'cd "$AGENTDISPATCH_ARTIFACTS_DIR"; mkdir sub; echo one > one.txt; printf "\\0\\1" > sub/two.bin';
      const id = await client.command({ command: script, shell: true });
      expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
      const { artifacts } = (await client.must("get_task_result", { task_id: id })) as { artifacts: Json[] };
      expect(artifacts.map(({ sizeBytes }) => sizeBytes).sort()).toEqual([2, 4]);
      const one = artifacts.find(({ sizeBytes }) => sizeBytes === 4) ?? {};
      expect(one).toMatchObject({ taskId: id, kind: "file", contentType: expect.stringContaining("text/plain") });
      expect(String(await read(one.uri as string))).toBe("one\n");
    });
  });

  describe("a value of 150,000 characters", () => {
    it("reaches the job, comes back as a preview, and is whole where that says", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { client } = await open({ atEnd });
      const instruction = `begin ${"x".repeat(150_000)} end`;
      const { taskId } = await client.must("spawn_cloud_agent", { instruction, framework: "echo" });
      expect(await client.ended(taskId as string)).toMatchObject({ status: "succeeded" });
      const view = await client.must("get_task_result", { task_id: taskId });
      expect(JSON.stringify(view.result).length).toBeLessThan(20_000);
      const whole = JSON.parse(String(await read((view.resultRef as { uri: string }).uri))) as Json;
      expect(whole.output).toContain(instruction);
    });
  });
}

/**
 * The same, and what needs the machine that the system runs on. `spoken` are the revisions whose clients drive every tool: what
 * lies behind the endpoint knows none of them.
 */
export function dispatching(system: SystemUnderTest, spoken?: readonly Revision[]): void {
  dispatchingAnywhere(system, spoken);
  const { open, secretPlace } = system;

  describe("whoever waits for a command", () => {
    it("is told its phase and its last line", async ({ expect, onTestFinished: atEnd }) => {
      const { client, folder } = await open({ atEnd });
      const enough = join(folder, "enough");
      const script = `n=0; while [ ! -e ${enough} ]; do n=$((n+1)); echo "line $n"; sleep 0.2; done`;
      const id = await client.command({ command: script, shell: true });
      const messages: string[] = [];
      const wait = () =>
        client.call("wait_for_task", { task_id: id, timeout_seconds: 45 }, ({ message }) => {
          messages.push(String(message));
          // Two of its lines, so that it was not only the state at the beginning
          if (new Set(messages.filter((text) => /^running: line \d+$/.test(text))).size > 1) writeFileSync(enough, "");
        });
      let { structured } = await wait();
      while (structured?.timedOutWaiting) ({ structured } = await wait());
      expect(structured).toMatchObject({ status: "succeeded" });
      expect(messages).toEqual(expect.arrayContaining([expect.stringMatching(/^running: line \d+$/)]));
      expect(messages.at(-1)).toMatch(/^(completing|succeeded): line \d+$/);
    });
  });

  describe("an idempotency key", () => {
    it("sent 20 times at once makes one task that runs once; with another call it conflicts", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { client, folder } = await open({ atEnd });
      const proof = join(folder, "proof");
      writeFileSync(proof, "");
      const input = { command: `echo ran >> ${proof}`, shell: true };
      const keyed = { idempotency_key: "the same" };
      const ids = await Promise.all(Array.from({ length: 20 }, () => client.command(input, keyed)));
      expect(new Set(ids).size).toBe(1);
      const [id = ""] = ids;
      expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
      expect(await client.command(input, keyed)).toBe(id);
      expect(readFileSync(proof, "utf8")).toBe("ran\n");
      expect((await client.must("list_tasks", {})).items).toHaveLength(1);
      const other = await client.call("dispatch_task", { ...client.commandCall({ command: "true" }), ...keyed });
      expect(problemOf(other)).toMatchObject({ code: "idempotency.conflict", retryable: false });
    });

    it("holds over a restart", async ({ expect, onTestFinished: atEnd }) => {
      const opened = await open({ atEnd });
      const id = await opened.client.command("true", { idempotency_key: "k" });
      await opened.client.ended(id);
      const client = await opened.restart();
      expect(await client.command("true", { idempotency_key: "k" })).toBe(id);
    });
  });

  describe("the queue", () => {
    it("lets tasks begin first in first out under the limit", async ({ expect, onTestFinished: atEnd }) => {
      const { client, folder } = await open({ atEnd, narrow: true });
      const order = join(folder, "order");
      const ids: string[] = [];
      for (let i = 0; i < 6; i++) ids.push(await client.command({ command: `echo ${i} >> ${order}`, shell: true }));
      const waiting = await client.status(ids.at(-1) ?? "");
      expect(waiting.status === "queued" ? waiting.queuePosition : 5).toBeGreaterThan(0);
      for (const id of ids) expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
      expect(readFileSync(order, "utf8")).toBe("0\n1\n2\n3\n4\n5\n");
    });
  });

  describe("what may be secret", () => {
    it("reaches the job, and neither record nor store", async ({ expect, onTestFinished: atEnd }) => {
      const { client, content } = await open({ atEnd });
      // The lengths prove that the values arrived, without naming them.
      const job = { command: 'test "$(printf %s "$PROVIDER_KEY$MINE" | wc -c)" = 38', shell: true };
      const id = await client.command({ ...job, env: { MINE: "canary-of-the-call" } }, secretPlace);
      const record = await client.ended(id);
      expect(record).toMatchObject({ status: "succeeded", envNames: ["MINE"] });
      expect(JSON.stringify([record, await client.must("list_tasks", {})])).not.toContain("canary");
      const kept = await content();
      expect(kept).toContain(id);
      expect(kept).not.toContain("canary-of-the-worker");
    });
  });
}
