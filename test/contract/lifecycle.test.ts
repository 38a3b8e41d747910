import fc from "fast-check";
import { expect, test } from "vitest";
import { TransitionRefusedError } from "../../lib/contract/errors.ts";
import {
  assertTransition,
  isCancellable,
  isTerminal,
  type Status,
  statuses,
  transitions,
} from "../../lib/contract/lifecycle.ts";

const anyStatus = fc.constantFrom(...statuses);
const isAllowed = (from: Status, to: Status): boolean => {
  try {
    assertTransition(from, to);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(TransitionRefusedError);
    expect(error).toMatchObject({ code: "task.transition_refused", from, to, retryable: false });
    return false;
  }
};

/** Every allowed step, spelled out once more: a change of the table is a change of the contract. */
const allowed = [
  "queued>provisioning queued>cancelling queued>cancelled queued>failed",
  "provisioning>starting provisioning>cancelling provisioning>failed",
  "starting>running starting>cancelling starting>failed",
  "running>input_required running>completing running>cancelling running>failed",
  "input_required>running input_required>completing input_required>cancelling input_required>failed",
  "completing>succeeded completing>failed",
  "cancelling>cancelled cancelling>failed",
]
  .join(" ")
  .split(" ");

test("the table allows exactly these steps", () => {
  const steps = statuses.flatMap((from) => statuses.filter((to) => isAllowed(from, to)).map((to) => `${from}>${to}`));
  expect(steps.sort()).toEqual(allowed.toSorted());
});

test("a walk by any requests stays on the table, and nothing moves once it has ended", () => {
  fc.assert(
    fc.property(fc.array(anyStatus, { maxLength: 60 }), (requests) => {
      const walked: Status[] = ["queued"];
      for (const to of requests) {
        const from = walked.at(-1) ?? "queued";
        if (isAllowed(from, to)) walked.push(to);
      }
      const ended = walked.findIndex(isTerminal);
      expect(ended === -1 || ended === walked.length - 1).toBe(true);
      expect(walked.every((to, i) => i === 0 || allowed.includes(`${walked[i - 1]}>${to}`))).toBe(true);
    }),
  );
});

test("from every status some end can be reached, and failing is always possible before it", () => {
  for (const start of statuses) {
    const reached = new Set<Status>([start]);
    for (const status of reached) for (const next of transitions[status]) reached.add(next);
    expect([...reached].some(isTerminal)).toBe(true);
    expect(isAllowed(start, "failed")).toBe(!isTerminal(start));
  }
});

test("only these three are ends, and a cancel is possible before completing alone", () => {
  expect(statuses.filter(isTerminal)).toEqual(["succeeded", "failed", "cancelled"]);
  expect(statuses.filter(isCancellable)).toEqual(["queued", "provisioning", "starting", "running", "input_required"]);
});
