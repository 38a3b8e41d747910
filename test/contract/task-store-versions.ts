import { describe, expect, it } from "vitest";
import * as z from "zod";
import { statuses } from "../../lib/contract/lifecycle.ts";
import { notBegun } from "../../lib/contract/orchestration/state.ts";
import { type Json, TASK_VERSION, type Task } from "../../lib/contract/task.ts";
import { makeTask, type TaskFields } from "./make-task.ts";
import { newOwner } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

/** What a program of version 1 stored: no version, and fields that came later are not there. */
const asVersion1 = ({ version: _, logBytes: __, channel: ___, creations: ____, ...record }: Json): Json => record;

/** What a program of version 1 asks of a record: one that is not so is damaged to it, and set aside. */
const version1Schema = z.looseObject({
  status: z.enum(statuses),
  n: z.number(),
  revision: z.number(),
  backend: z.string(),
  profile: z.string(),
  input: z.record(z.string(), z.unknown()),
  target: z.looseObject({}),
  limits: z.looseObject({}),
  phases: z.record(z.string(), z.string()),
  owes: z.record(z.string(), z.string()),
  providerRefs: z.record(z.string(), z.string()),
  createdAt: z.iso.datetime(),
});

/** What a program of version 1 reads and writes, by the names that these fields had. */
const bumped = (record: Json): Json => ({
  ...record,
  n: Number(record.n) + 1,
  owes: { ...(record.owes as Json), session: "s" },
  revivals: { count: 1, atPhase: 2 },
  session: { ...(record.session as Json), uses: { one: 5 }, goneProofs: 2 },
});

const full: TaskFields = {
  status: "running",
  obligations: { slot: "local", runtime: "r" },
  session: { id: "s", state: "open", inFlight: { one: 1 }, suspicions: 1, sent: 3 },
  recoveries: { count: 2, atPhase: 1 },
  logLength: 7,
  logBytes: 9,
  creations: 1,
};

/** Records that other versions of the program wrote. */
export function versionsSuite(open: OpenStoreFunction): void {
  const stored = async (fields: TaskFields, edit: (record: Json) => Json) => {
    const opened = await open();
    const task = makeTask({ owner: newOwner(), dueAtMs: 5, ...fields });
    await opened.store.create(task);
    await opened.rewrite(task.id, edit);
    const store = await opened.reopen();
    return { task, store, rewrite: opened.rewrite, [Symbol.asyncDispose]: opened.close };
  };

  describe("versions of a record", () => {
    it("are named in what is stored", async () => {
      let version: unknown;
      await using _ = await stored({}, (record) => {
        version = record.version;
        return record;
      });
      expect(version).toBe(TASK_VERSION);
    });

    it.each([{ status: "queued" }, full, { ...full, status: "failed" }, { ...full, status: "completing" }] as const)(
      "before this one are brought up to it: %j",
      async (fields) => {
        await using opened = await stored(fields, asVersion1);
        const { store, task } = opened;
        const expected = { ...task, logBytes: task.logLength };
        expect(await store.get(task.id)).toEqual(expected);
        expect(await store.list(task.owner, { limit: 5 })).toEqual({ items: [expected] });
        const changed = await store.change(task.id, (now) => ({ ...now, goal: "g" }));
        expect(changed).toMatchObject({ version: TASK_VERSION, goal: "g", revision: task.revision + 1 });
        expect(await store.get(task.id)).toEqual(changed);
      },
    );

    it.each([
      ["none", "synchronous"],
      ["agentdispatch/1", "call"],
    ])("before this one have the channel that the contract %s says", async (contract, channel) => {
      await using opened = await stored({ status: "starting", providerRefs: { contract } }, asVersion1);
      expect(await opened.store.get(opened.task.id)).toMatchObject({ channel });
    });

    it("of which the first reads what this one writes", async () => {
      let written: Json = {};
      await using _ = await stored(full, (record) => {
        written = record;
        return record;
      });
      expect(version1Schema.safeParse(written)).toMatchObject({ success: true });
      expect(written).toMatchObject({
        owes: full.obligations,
        revivals: full.recoveries,
        session: { uses: { one: 1 }, goneProofs: 1 },
      });
    });

    it("of which both change a record while both run lose nothing of it", async () => {
      await using opened = await stored(full, bumped);
      const { store, task } = opened;
      const { executionNumber, obligations, session } = task;
      expect(await store.get(task.id)).toEqual({
        ...task,
        executionNumber: executionNumber + 1,
        obligations: { ...obligations, session: "s" },
        recoveries: { count: 1, atPhase: 2 },
        session: { ...session, inFlight: { one: 5 }, suspicions: 2 },
      });
    });

    it("that a program of this one does not know in full keep what it does not know", async () => {
      const more = { later: { a: [1] }, session: { id: "s", state: "open", uses: {}, later: true } };
      await using opened = await stored(full, (record) => ({ ...record, ...more }));
      const { store, task, rewrite } = opened;
      await store.change(task.id, (now) => ({ ...now, goal: "g" }));
      let after: Json = {};
      await rewrite(task.id, (record) => {
        after = record;
        return record;
      });
      expect(after).toMatchObject({ ...more, goal: "g" });
    });

    it("with an error whose code this one does not know have the nearest one", async () => {
      const error = { code: "worker.of_a_later_version", message: "m", retryable: true };
      await using opened = await stored({ status: "failed" }, (record) => ({ ...record, error }));
      const nearest = { ...error, code: "worker.other", details: { code: error.code } };
      expect(await opened.store.get(opened.task.id)).toMatchObject({ status: "failed", error: nearest });
    });

    it("of a task that is made of others have a number that programs before it leave alone", async () => {
      let version: unknown;
      const made: TaskFields = {
        taskType: "parallel.run",
        orchestration: { ...notBegun, begun: 2, active: [1], succeeded: 1 },
      };
      await using opened = await stored(made, (record) => {
        ({ version } = record);
        return record;
      });
      expect(version).toBe(TASK_VERSION + 1);
      expect(await opened.store.get(opened.task.id)).toMatchObject({ version: TASK_VERSION, ...made });
    });

    it("after this one are refused by name, and left alone", async () => {
      const version = TASK_VERSION + 1;
      await using opened = await stored({}, () => ({ version, another: "form" }));
      const { store, task, rewrite } = opened;
      const refused = {
        code: "platform.newer_version",
        retryable: false,
        message: expect.stringContaining(task.id),
        hint: expect.stringContaining("update AgentDispatch"),
        details: { version, known: TASK_VERSION },
      };
      await expect(store.get(task.id)).rejects.toMatchObject(refused);
      await expect(store.change(task.id, (now) => now)).rejects.toMatchObject(refused);
      const other = makeTask({ owner: task.owner, dueAtMs: 6 });
      await store.create(other);
      expect((await store.list(task.owner, { limit: 5 })).items.map(({ id }) => id)).toEqual([other.id]);
      // Whoever ends what nobody needs has to know that it is there.
      expect((await store.listDue(10, 5)).sort()).toEqual([task.id, other.id].sort());
      expect(await store.listDue(4, 5)).toEqual([]);
      // A program of that version finds it as it was, and due: it was not set aside.
      await rewrite(task.id, () => withStored(task));
      expect(await store.get(task.id)).toEqual(task);
      expect((await store.listDue(10, 5)).sort()).toEqual([task.id, other.id].sort());
    });

    it.each<[string, (record: Json) => Json]>([
      ["without a number of its execution", ({ n: _, ...record }) => record],
      ["of no known status", (record) => ({ ...record, status: "lost" })],
      ["that failed for no reason", (record) => ({ ...record, status: "failed" })],
      ["that asks for nothing", (record) => ({ ...record, status: "input_required" })],
      ["whose end is not known", (record) => ({ ...record, status: "completing" })],
      ["with a session that is none", (record) => ({ ...record, session: {} })],
      ["with a version that is none", (record) => ({ ...record, version: "2" })],
    ])("do not make a task of a record %s", async (_, edit) => {
      await using opened = await stored({}, edit);
      const { store, task } = opened;
      await expect(store.get(task.id)).rejects.toMatchObject({ code: "platform.task_unreadable" });
      expect(await store.list(task.owner, { limit: 5 })).toEqual({ items: [] });
    });
  });
}

/** A queued task as it is stored. */
function withStored({ executionNumber, obligations, ...task }: Task): Json {
  return { ...task, n: executionNumber, owes: obligations };
}
