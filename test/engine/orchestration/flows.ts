/** Tasks that are made of others, from the call to the answer, on either store and in virtual time. */
import { describe, expect, it } from "vitest";
import { problem } from "../../../lib/contract/errors.ts";
import { dialogueAnswer, parallelAnswer } from "../../../lib/contract/orchestration/answers.ts";
import type { Json, Task } from "../../../lib/contract/task.ts";
import { cancelTask } from "../../../lib/engine/cancellation.ts";
import { readLargeValue } from "../../../lib/engine/large-values.ts";
import { recoverDue } from "../../../lib/engine/recovery.ts";
import { items, nothing, OWNER, systemsOn } from "./system.ts";

const MINUTE_MS = 60_000;

/** An agent that says what it was asked, and costs half a dollar in two turns. */
const said = (output: string) => ({ result: { output, outcome: "done" }, usage: { costUsd: 0.5, turns: 2 } });
const echo = ({ input }: Task) => said(`did ${input.instruction}`);
/** How long a job ran, as its record says, in milliseconds. */
const ranMs = (task?: Task) => Date.parse(task?.phases.completing ?? "") - Date.parse(task?.phases.running ?? "");
const failed = { status: "failed", error: problem("task.agent_error", "no such thing") } as const;

/** The suite, on one of the stores. */
export function flowsOn(kind: "SQLite" | "DynamoDB"): void {
  const open = systemsOn(kind);

  describe("a parallel.run", () => {
    it("answers with every item in order, failures among them, and is made of no slot, session or execution", async () => {
      await using system = await open({ endOf: (task) => (task.position === 1 ? failed : echo(task)) });
      const id = await system.parallel({ items: items(4, { agent: "local" }), max_parallel: 2 });
      const running = await system.ports.store.get(id);
      expect(running).toMatchObject({
        status: "running",
        obligations: {},
        orchestration: { begun: 2, active: [0, 1] },
      });
      expect(running).not.toHaveProperty("session");
      const task = await system.settled(id);
      expect(task).toMatchObject({
        status: "succeeded",
        usage: { costUsd: 1.5, turns: 6 },
        progress: { message: "4 of 4 done, 1 failed" },
      });
      const { individual_results } = parallelAnswer.parse(task.result);
      const duration_ms = ranMs(await system.child(id, 0));
      expect(individual_results).toMatchObject([
        { agent: "local", success: true, result: "did job 0", cost_usd: 0.5, num_turns: 2, duration_ms },
        { agent: "local", success: false, result: "", error: "no such thing", error_code: "task.agent_error" },
        { success: true, result: "did job 2", session_id: expect.stringMatching(/^conv_/) },
        { success: true, result: "did job 3", task_id: (await system.child(id, 3))?.id },
      ]);
      expect(system.backend.started).toHaveLength(4);
      await expect.poll(() => system.left()).toEqual(nothing);
      expect(await system.ports.store.listChildren(id, 10)).toEqual([]);
    });

    it("tells of each end in an event, and of its own as any task", async () => {
      await using system = await open({ endOf: echo });
      const id = await system.parallel({ items: items(3), max_parallel: 1 });
      await system.settled(id);
      const { events } = await system.service.status({ task_id: id, events_after: 0 });
      expect(events?.map(({ type, message }) => [type, message ?? ""])).toEqual([
        ["task.created", ""],
        ["task.started", ""],
        ["task.progress", "0 of 3 done"],
        ["task.progress", "1 of 3 done"],
        ["task.progress", "2 of 3 done"],
        ["task.progress", "3 of 3 done"],
        ["task.result", ""],
        ["task.succeeded", ""],
      ]);
      expect(events?.[4]?.payload).toMatchObject({
        total: 3,
        succeeded: 2,
        ended: [{ position: 1, status: "succeeded" }],
      });
    });

    it("never has more under way than it may, nor starves at one slot, also below a job that waits for it", async () => {
      let most = 0;
      await using system = await open({
        limits: { maxRunning: 1 },
        endOf: echo,
        durationMs: ({ taskType }) => (taskType === "command.run" ? 60 * MINUTE_MS : MINUTE_MS),
        wrap: (_state, step) => async (ports, input) => {
          most = Math.max(most, (await ports.store.listSlots(OWNER)).running.length);
          return step(ports, input);
        },
      });
      system.clock.join();
      const job = await system.dispatch();
      const stranger = await system.dispatch();
      const id = await system.parallel({ items: items(5), max_parallel: 3 }, { metadata: { parentTaskId: job } });
      system.clock.leave();
      const whole = await system.settled(id);
      expect(whole).toMatchObject({ status: "succeeded", parent: job, depth: 1 });
      expect((await system.child(id, 4))?.depth).toBe(2);
      const [last, next] = [await system.settled(job), await system.settled(stranger)];
      expect([last.status, next.status]).toEqual(["succeeded", "succeeded"]);
      expect(Date.parse(whole.phases.succeeded ?? "")).toBeLessThan(Date.parse(last.phases.completing ?? ""));
      expect(Date.parse(next.phases.provisioning ?? "")).toBeGreaterThanOrEqual(
        Date.parse(last.phases.succeeded ?? ""),
      );
      expect(most).toBe(1);
      await expect.poll(() => system.left()).toEqual(nothing);
    });

    it("hands each item what it asks for: profile, format, timeout, reference, context", async () => {
      await using system = await open({ profiles: { wide: 5 }, endOf: () => said("x".repeat(3000)) });
      const one = {
        instruction: "a",
        runtime: "wide",
        response_format: "json",
        timeout_seconds: 77,
        goal: "g",
        context: { fact: 1 },
        caller: "me",
      };
      const two = { instruction: "b", agent: "wide", return_ref: true, summary_chars: 20, metadata: { mine: true } };
      const id = await system.parallel({ items: [one, two, { instruction: "c", agent: null }] });
      const { result } = await system.settled(id);
      const [first, second] = [await system.child(id, 0), await system.child(id, 1)];
      expect(first).toMatchObject({
        profile: "wide",
        responseFormat: {},
        limits: { timeoutSeconds: 77 },
        goal: "g",
        caller: "me",
        input: { instruction: "a", context: { fact: 1 } },
        parent: id,
        position: 0,
      });
      expect(second).toMatchObject({ profile: "wide", metadata: { mine: true, parentTaskId: id }, summaryChars: 20 });
      expect(result).toMatchObject({
        individual_results: [
          { agent: "wide", result: "x".repeat(3000) },
          { agent: "wide", ref: second?.id, size: 3000, summary_chars: 20, summary: `${"x".repeat(19)}…` },
          { agent: "default", success: true },
        ],
      });
    });

    it("with fail_fast ends with the first failure: what runs is cancelled, the rest is not begun", async () => {
      await using system = await open({
        endOf: (task) => (task.position === 1 ? failed : echo(task)),
        durationMs: ({ position }) => (position === 1 ? MINUTE_MS : 30 * MINUTE_MS),
      });
      const id = await system.parallel({ items: items(6), max_parallel: 3, fail_fast: true });
      const task = await system.settled(id);
      expect(task).toMatchObject({
        status: "failed",
        error: { code: "task.child_failed", message: "item 1 failed: task.agent_error: no such thing" },
        obligations: {},
      });
      const { individual_results } = parallelAnswer.parse(task.result);
      expect(individual_results.map(({ status, error_type }) => [status, error_type])).toEqual([
        ["cancelled", "cancelled"],
        ["failed", "cli_error"],
        ["cancelled", "cancelled"],
        ...Array(3).fill(["not_begun", "cancelled"]),
      ]);
      expect(new Set(system.backend.started).size).toBe(3);
      await expect.poll(() => system.left()).toEqual(nothing);
    });

    it("gives all results to one agent, large ones as references, and fails truthfully where that one does", async () => {
      const long = "y".repeat(60_000);
      let fails = false;
      await using system = await open({
        profiles: { sum: 5 },
        endOf: ({ profile, position }) => (profile === "sum" && fails ? failed : said(position === 1 ? long : "short")),
      });
      const aggregate = { agent: "sum", instruction: "add them up", context: { hint: 1 } };
      const id = await system.parallel({ items: items(3), aggregate });
      const task = await system.settled(id);
      const last = await system.child(id, 3);
      expect(last).toMatchObject({ profile: "sum", status: "succeeded" });
      const input = (last?.inputRef ? await readLargeValue(system.ports, last.inputRef) : last?.input) as Json;
      expect(input).toMatchObject({
        instruction: "add them up",
        context: {
          hint: 1,
          results: [
            { item: 0, agent: "default", success: true, result: "short" },
            { item: 1, ref: (await system.child(id, 1))?.id, size: 60_000, uri: expect.stringContaining("kept:") },
            { item: 2, result: "short" },
          ],
        },
      });
      expect(task).toMatchObject({ status: "succeeded", result: { aggregated: { agent: "sum", success: true } } });
      fails = true;
      const other = await system.settled(await system.parallel({ items: items(2), aggregate: "sum" }));
      expect(other).toMatchObject({
        status: "failed",
        error: { code: "task.child_failed" },
        result: { individual_results: [{ success: true }, { success: true }], aggregated: { success: false } },
      });
    });

    it("refuses the whole for one item that could not run, by its place, and keeps nothing of it", async () => {
      await using system = await open();
      await expect(
        system.parallel({ items: [...items(2), { instruction: "x", agent: "nobody" }] }),
      ).rejects.toMatchObject({
        code: "input.invalid",
        message: expect.stringContaining("input.items.2.agent"),
      });
      await expect(system.parallel({ items: items(1001) })).rejects.toMatchObject({ code: "input.invalid" });
      await expect(system.parallel({ items: [] })).rejects.toMatchObject({ code: "input.invalid" });
      await expect(system.parallel({ items: items(1), aggregate: "nobody" })).rejects.toMatchObject({
        message: expect.stringContaining("input.aggregate"),
      });
      await expect(
        system.parallel({ items: [{ instruction: "x", agent: "local", runtime: "local" }] }),
      ).rejects.toMatchObject({ message: expect.stringContaining("input.items.0.agent") });
      expect((await system.ports.store.list(OWNER, { limit: 10 })).items).toEqual([]);
    });

    it("has an item that was refused later as one that failed, with the reason", async () => {
      await using system = await open({ endOf: echo });
      const { ports } = system;
      const { policy, ...rest } = ports.configuration();
      const id = await system.parallel({ items: items(3), max_parallel: 1 });
      const rules = [{ effect: "deny" as const, taskTypes: ["agent.run" as const], reason: "closed" }];
      Object.assign(ports.configuration(), { policy: { ...policy, rules } });
      const task = await system.settled(id);
      Object.assign(ports.configuration(), { policy, ...rest });
      expect(task).toMatchObject({
        status: "succeeded",
        result: {
          individual_results: [
            { success: true },
            { success: false, status: "failed", error_code: "policy.denied", error_type: "permission" },
            { success: false },
          ],
        },
      });
      expect(await system.child(id, 2)).toMatchObject({
        status: "failed",
        error: { code: "policy.denied" },
        parent: id,
      });
      await expect.poll(() => system.left()).toEqual(nothing);
    });

    it("is the same task when the same call is sent again, and no child is there twice", async () => {
      await using system = await open({ endOf: echo });
      const call = { items: items(3) };
      const keyed = { idempotency_key: "one" };
      const [first, second] = [await system.parallel(call, keyed), await system.parallel(call, keyed)];
      expect(second).toBe(first);
      await expect(system.parallel({ items: items(2) }, keyed)).rejects.toMatchObject({ code: "idempotency.conflict" });
      await system.settled(first);
      expect(system.backend.started).toHaveLength(3);
      expect(await system.parallel(call, keyed)).toBe(first);
      expect(system.backend.started).toHaveLength(3);
    });

    it("ends at its deadline with what there is, and cancels the rest", async () => {
      await using system = await open({
        endOf: echo,
        durationMs: ({ position }) => (position === 0 ? MINUTE_MS : 600 * MINUTE_MS),
      });
      system.clock.join();
      const id = await system.parallel({ items: items(4), max_parallel: 2 }, { timeout_seconds: 600 });
      await system.clock.sleep(11 * MINUTE_MS);
      await recoverDue(system.ports);
      system.clock.leave();
      const task = await system.settled(id);
      expect(task).toMatchObject({ status: "failed", error: { code: "task.timeout" } });
      const { individual_results } = parallelAnswer.parse(task.result);
      expect(individual_results.map(({ status }) => status)).toEqual([
        "succeeded",
        "cancelled",
        "cancelled",
        "not_begun",
      ]);
      await expect.poll(() => system.left()).toEqual(nothing);
    });

    it("ends before any of what its children came to could have expired", async () => {
      await using system = await open({ endOf: echo, retentionDays: 1 });
      const id = await system.parallel({ items: items(1) });
      expect((await system.settled(id)).limits.timeoutSeconds).toBe(12 * 3600);
    });
  });

  describe("a cancel", () => {
    it("of a parallel.run reaches all below it; it ends after the last of them, with what there is", async () => {
      await using system = await open({
        endOf: echo,
        limits: { maxRunning: 2 },
        durationMs: ({ position }) => (position === 0 ? MINUTE_MS : 60 * MINUTE_MS),
      });
      system.clock.join();
      const id = await system.parallel({ items: items(8), max_parallel: 4 });
      const isFirstDone = async () => (await system.ports.store.get(id))?.orchestration?.succeeded === 1;
      while (!(await isFirstDone())) await system.clock.sleep(MINUTE_MS);
      await system.service.cancel({ task_id: id });
      system.clock.leave();
      const task = await system.settled(id);
      expect(task).toMatchObject({
        status: "cancelled",
        calledOff: true,
        progress: { message: "5 of 8 done, 4 cancelled" },
      });
      const { individual_results } = parallelAnswer.parse(task.result);
      expect(individual_results.map(({ status }) => status)).toEqual([
        "succeeded",
        ...Array(4).fill("cancelled"),
        ...Array(3).fill("not_begun"),
      ]);
      await expect.poll(() => system.left()).toEqual(nothing);
      await expect(system.service.cancel({ task_id: id })).rejects.toMatchObject({ code: "task.terminal" });
    });

    it("of a job above reaches through it", async () => {
      await using system = await open({ endOf: echo, durationMs: () => 60 * MINUTE_MS });
      system.clock.join();
      const job = await system.dispatch();
      const id = await system.parallel({ items: items(12), max_parallel: 10 }, { metadata: { parentTaskId: job } });
      await cancelTask(system.ports, { id: job });
      system.clock.leave();
      expect(await system.settled(job)).toMatchObject({ status: "cancelled" });
      expect(await system.settled(id)).toMatchObject({ status: "cancelled" });
      await expect.poll(() => system.left()).toEqual(nothing);
    });

    it("of one item is told in the answer, and the others go on; of one that waits too", async () => {
      await using system = await open({ endOf: echo, limits: { maxRunning: 1 } });
      system.clock.join();
      const id = await system.parallel({ items: items(3), max_parallel: 3 });
      const waiting = await system.child(id, 2);
      expect(waiting).toMatchObject({ status: "queued" });
      await system.service.cancel({ task_id: waiting?.id });
      system.clock.leave();
      const task = await system.settled(id);
      expect(task).toMatchObject({
        status: "succeeded",
        result: { individual_results: [{ success: true }, { success: true }, { status: "cancelled" }] },
      });
    });

    it("that is not to reach below leaves the others to themselves", async () => {
      await using system = await open({ endOf: echo });
      const id = await system.parallel({ items: items(3), max_parallel: 2 });
      await system.service.cancel({ task_id: id, cascade: false });
      expect(await system.ports.store.get(id)).toMatchObject({ status: "cancelled" });
      for (const position of [0, 1]) {
        const child = await system.child(id, position);
        expect(await system.settled(child?.id ?? "")).toMatchObject({ status: "succeeded" });
      }
      expect(await system.child(id, 2)).toBeUndefined();
      await expect.poll(() => system.left()).toEqual(nothing);
    });
  });

  describe("a dialogue.run", () => {
    const talk = { requester: "ann", responder: "bob", topic: "why is the sky blue" };
    const two = { profiles: { ann: 5, bob: 5 } };

    it("has the two take turns, each in a conversation of its own, until one says that it is resolved", async () => {
      await using system = await open({
        ...two,
        endOf: ({ position = 0 }) => said(position === 3 ? "It scatters.\n[RESOLVED]" : `turn ${position}`),
      });
      const id = await system.dialogue({ ...talk, context: { fact: 1 }, goal: "know" });
      const task = await system.settled(id);
      const answer = dialogueAnswer.parse(task.result);
      const turns = await Promise.all([0, 1, 2, 3].map((position) => system.child(id, position)));
      expect(answer).toEqual({
        resolved: true,
        rounds: 2,
        total_cost_usd: 2,
        total_duration_ms: turns.reduce((sum, turn) => sum + ranMs(turn), 0),
        final_answer: "It scatters.",
        conversation: [
          { agent: "bob", role: "responder", round: 1, message: "turn 0", cost_usd: 0.5, task_id: expect.any(String) },
          { agent: "ann", role: "requester", round: 1, message: "turn 1", cost_usd: 0.5, task_id: expect.any(String) },
          { agent: "bob", role: "responder", round: 2, message: "turn 2", cost_usd: 0.5, task_id: expect.any(String) },
          expect.objectContaining({ agent: "ann", round: 2, message: "It scatters.\n[RESOLVED]" }),
        ],
      });
      const [first, second, third, fourth] = turns.map((turn) => turn?.conversation?.id);
      expect([third, fourth]).toEqual([first, second]);
      expect(first).not.toBe(second);
      expect(turns.map((turn) => turn?.caller)).toEqual(["ann", "bob", "ann", "bob"]);
      const asked = turns.map((turn) => String(turn?.input.instruction));
      expect(asked[0]).toContain(talk.topic);
      expect(asked[1]).toContain(talk.topic);
      expect(asked[1]).toContain("turn 0");
      expect(asked[2]).not.toContain(talk.topic);
      expect(asked[2]).toContain("turn 1");
      expect(turns.map((turn) => turn?.input.context)).toEqual([{ fact: 1 }, { fact: 1 }, undefined, undefined]);
      await expect.poll(() => system.left()).toEqual(nothing);
    });

    it("ends after its rounds, unresolved", async () => {
      await using system = await open({ ...two, endOf: ({ position = 0 }) => said(`turn ${position}`) });
      const task = await system.settled(await system.dialogue({ ...talk, max_rounds: 1 }));
      expect(task).toMatchObject({
        status: "succeeded",
        result: { resolved: false, rounds: 1, final_answer: "turn 1", conversation: [{}, {}] },
      });
      await expect(system.dialogue({ ...talk, max_rounds: 11 })).rejects.toMatchObject({ code: "input.invalid" });
    });

    it("ends with a turn that fails, truthfully, with what was said", async () => {
      await using system = await open({
        ...two,
        endOf: ({ position = 0 }) => (position === 2 ? failed : said(`turn ${position}`)),
      });
      const task = await system.settled(await system.dialogue(talk));
      expect(task).toMatchObject({
        status: "failed",
        error: { code: "task.child_failed", message: "turn 3 failed: task.agent_error: no such thing" },
        result: {
          resolved: false,
          rounds: 2,
          final_answer: "turn 1",
          conversation: [{}, {}, { message: "", error: "no such thing", error_type: "cli_error" }],
        },
      });
    });

    it("is cancelled with the turn that is under way", async () => {
      await using system = await open({ ...two, endOf: echo, durationMs: () => 60 * MINUTE_MS });
      const id = await system.dialogue(talk);
      await system.service.cancel({ task_id: id });
      expect(await system.settled(id)).toMatchObject({ status: "cancelled", result: { resolved: false, rounds: 1 } });
      await expect.poll(() => system.left()).toEqual(nothing);
    });

    it("names whoever is not there", async () => {
      await using system = await open(two);
      await expect(system.dialogue({ ...talk, responder: "eve" })).rejects.toMatchObject({
        message: expect.stringContaining("input.responder"),
      });
    });
  });

  it("a task that is made of others hears nothing itself, and says where to send it", async () => {
    await using system = await open({ endOf: echo });
    const id = await system.parallel({ items: items(1) });
    const told = { code: "adapter.unsupported", hint: expect.stringContaining("parent") };
    await expect(system.service.input({ task_id: id, message: "hello" })).rejects.toMatchObject(told);
    await expect(system.service.send({ task_id: id, text: "hello" })).rejects.toMatchObject(told);
    await system.settled(id);
  });
}
