/** What comes next of a task that is made of others, whatever these come to and in whatever order they end. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { problem } from "../../../lib/contract/errors.ts";
import type { Dialogue, Parallel, Specification } from "../../../lib/contract/orchestration/specification.ts";
import { notBegun, type Orchestration } from "../../../lib/contract/orchestration/state.ts";
import { saysResolved, withoutResolved } from "../../../lib/engine/orchestration/dialogue.ts";
import { childrenOf, type End, describe as inWords, next, noted } from "../../../lib/engine/orchestration/next.ts";

const statuses = ["succeeded", "failed", "cancelled"] as const;

const end = (position: number, status: End["status"] = "succeeded", more: Partial<End> = {}): End => ({
  position,
  id: `task-${position}`,
  status,
  ...(status === "failed" && { error: problem("task.exit_code", "exit code 1") }),
  ...more,
});

const parallel = (items: number, more: Partial<Parallel> = {}): Specification => ({
  type: "parallel.run",
  items: Array.from({ length: items }, (_, i) => ({ instruction: `job ${i}` })),
  ...more,
});
const dialogue = (more: Partial<Dialogue> = {}): Specification => ({
  type: "dialogue.run",
  requester: "ann",
  responder: "bob",
  topic: "why",
  ...more,
});

type Run = { state: Orchestration; begun: number[]; mostAtOnce: number; ended: End[] };

/** Applies what comes next until nothing does; which of those under way ends, and how, `choose` says. */
function run(
  specification: Specification,
  most: number,
  choose: (active: readonly number[]) => End,
): Run & { end: object } {
  let state = notBegun;
  const seen: Omit<Run, "state"> = { begun: [], mostAtOnce: 0, ended: [] };
  for (let step = 0; step < 5000; step++) {
    const what = next(specification, state, most);
    if (what.do === "finish") return { state, ...seen, end: what };
    if (what.do === "dispatch") {
      seen.begun.push(...what.positions);
      state = { ...state, begun: state.begun + what.positions.length, active: [...state.active, ...what.positions] };
    } else {
      const ended = choose(state.active);
      seen.ended.push(ended);
      // Told twice, as by a clean-up that is repeated, it is the same.
      state = noted(specification, noted(specification, state, [ended]), [ended, ended]);
    }
    seen.mostAtOnce = Math.max(seen.mostAtOnce, state.active.length);
  }
  throw new Error("it does not come to an end");
}

/** Ends by a list of random choices, gone through again and again. */
function choosing(choices: readonly number[]) {
  let at = 0;
  const pick = () => choices[at++ % choices.length] ?? 0;
  return (active: readonly number[]): End => end(active[pick() % active.length] ?? 0, statuses[pick() % 3]);
}

const choices = fc.array(fc.nat(10_000), { minLength: 1, maxLength: 60 });

describe("a parallel.run", () => {
  it("begins each item once, in order, never more at once than may be, and ends after the last", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 9 }), choices, (items, most, chosen) => {
        const { state, begun, mostAtOnce, ended, end } = run(parallel(items), most, choosing(chosen));
        expect(begun).toEqual(Array.from({ length: items }, (_, i) => i));
        expect(mostAtOnce).toBe(Math.min(items, most));
        expect(ended).toHaveLength(items);
        expect(state.succeeded + state.failed + state.cancelled).toBe(items);
        expect(state.active).toEqual([]);
        // Failures of items are part of the answer.
        expect(end).toEqual({ do: "finish", status: "succeeded" });
      }),
    );
  });

  it("with fail_fast begins nothing after the first that does not succeed, and waits for those under way", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 9 }), choices, (items, most, chosen) => {
        const specification = parallel(items, { fail_fast: true });
        const { begun, ended, end } = run(specification, most, choosing(chosen));
        const first = ended.findIndex(({ status }) => status !== "succeeded");
        if (first < 0) {
          expect(end).toEqual({ do: "finish", status: "succeeded" });
          return;
        }
        expect(begun.length).toBeLessThanOrEqual(Math.min(items, first + most));
        expect(ended).toHaveLength(begun.length);
        expect(end).toMatchObject({
          do: "finish",
          status: "failed",
          error: { code: "task.child_failed", details: { position: ended[first]?.position } },
        });
      }),
    );
  });

  it("begins the one that makes one answer of all when all others have ended, and fails if that one does", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 9 }), choices, (items, most, chosen) => {
        const specification = parallel(items, { aggregate: "ann" });
        const { begun, ended, end } = run(specification, most, choosing(chosen));
        expect(begun).toEqual(Array.from({ length: items + 1 }, (_, i) => i));
        expect(ended.at(-1)?.position).toBe(items);
        expect(end).toMatchObject({ status: ended.at(-1)?.status === "succeeded" ? "succeeded" : "failed" });
      }),
    );
  });

  it("says how far it is", () => {
    const specification = parallel(1000, { aggregate: "ann" });
    const state = { ...notBegun, begun: 20, active: [3], succeeded: 9, failed: 3 };
    expect(inWords(specification, state)).toBe("12 of 1000 done, 3 failed");
    const last = { ...notBegun, begun: 1001, active: [1000], succeeded: 996, failed: 3, cancelled: 1 };
    expect(inWords(specification, last)).toBe("1000 of 1000 done, 3 failed, 1 cancelled, one answer of all is made");
  });
});

describe("a dialogue.run", () => {
  it("has one turn at a time, until it is resolved, a turn fails, or the rounds are over", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), choices, fc.nat(25), (rounds, chosen, resolvedAt) => {
        const specification = dialogue({ max_rounds: rounds });
        const choose = choosing(chosen);
        const { begun, mostAtOnce, ended, end } = run(specification, 1, (active) => ({
          ...choose(active),
          isResolved: active[0] === resolvedAt,
        }));
        expect(mostAtOnce).toBe(1);
        expect(begun).toEqual(Array.from({ length: begun.length }, (_, i) => i));
        expect(ended.slice(0, -1).every(({ status, isResolved }) => status === "succeeded" && !isResolved)).toBe(true);
        const last = ended.at(-1);
        if (last?.status !== "succeeded") expect(end).toMatchObject({ status: "failed" });
        else expect(last.isResolved || begun.length === childrenOf(specification)).toBe(true);
      }),
    );
  });

  it("has three rounds unless it is told how many", () => {
    const { begun, end } = run(dialogue(), 1, ([position = 0]) => saidSo(position));
    expect(begun).toHaveLength(6);
    expect(end).toEqual({ do: "finish", status: "succeeded" });
  });

  const saidSo = (position: number) => end(position, "succeeded", { isResolved: false });

  it.each([
    ["so it is.\n\n[RESOLVED]", true, "so it is."],
    ["[RESOLVED] so it is", true, "so it is"],
    ["so it is **[RESOLVED]**.", true, "so it is"],
    ["I will not say [RESOLVED] before I know", false, "I will not say [RESOLVED] before I know"],
    ["", false, ""],
  ])("is resolved by what a message begins or ends with, not by what it speaks of: %j", (message, resolved, rest) => {
    expect(saysResolved(message)).toBe(resolved);
    expect(withoutResolved(message)).toBe(rest);
  });
});

it("what ended before it was begun, or after it was noted, changes nothing", () => {
  const state = { ...notBegun, begun: 2, active: [1], succeeded: 1 };
  for (const position of [0, 2, 99]) expect(noted(parallel(5), state, [end(position, "failed")])).toBe(state);
});
