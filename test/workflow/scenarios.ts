#!/usr/bin/env node
import { again, done } from "../../lib/engine/steps/step.ts";
/**
 * What may happen to an execution, state by state: the happy path, each loop, each retrier until it helps and until it is
 * exhausted, each catcher, cancels. Made from the definition, so that it is complete; run as a program it prints them as
 * JSON, for `make-golden.py`.
 */
import definition from "../../lib/workflow/dispatch.asl.json" with { type: "json" };
import type { StepOutput } from "../../lib/workflow/port.ts";

/** What a step answers, or the name of the error that it ends with, for so many calls. */
export type Answer = { times?: number } & ({ output: StepOutput } | { error: string });
/** By state: its answers in their order; after the last one, and without any, it is done. */
export type Scenario = { name: string; answers: Record<string, Answer[]> };

type Retrier = { ErrorEquals: string[]; MaxAttempts: number };
type State = { Type: string; Retry?: Retrier[]; Catch?: { Next: string }[] };
const tasks = Object.entries(definition.States as Record<string, State>).filter(([, { Type }]) => Type === "Task");

const synchronous: StepOutput = { ...done, synchronous: true };
/** What leads to a state that the happy path passes by. */
const leading: Readonly<Record<string, Scenario["answers"]>> = {
  SynchronousCall: { Start: [{ output: synchronous }] },
  Fail: { Start: [{ error: "StepRefused" }] },
};

/** An error that this retrier takes, and none before it. */
const errorOf = ({ ErrorEquals: [name = ""] }: Retrier): string => (name === "States.ALL" ? "StepRetryable" : name);

const retries: Scenario[] = tasks.flatMap(([state, { Retry = [] }]) =>
  Retry.flatMap((retrier) => {
    const error = errorOf(retrier);
    const fails = (times: number): Scenario["answers"] => ({ ...leading[state], [state]: [{ error, times }] });
    if (retrier.MaxAttempts === 0) return [{ name: `${state}: ${error} is not tried again`, answers: fails(1) }];
    return [
      { name: `${state}: ${error} once`, answers: fails(1) },
      { name: `${state}: ${error} again and again`, answers: fails(retrier.MaxAttempts + 1) },
    ];
  }),
);

const looping = ["AwaitReady", "Watch", "Complete", "Cleanup"];

/** All of them, each by a name of its own. */
export const scenarios: Scenario[] = [
  { name: "the happy path", answers: {} },
  { name: "a contract-less runtime", answers: { Start: [{ output: synchronous }] } },
  ...looping.map((state) => ({ name: `${state} comes again`, answers: { [state]: [{ output: again(7), times: 3 }] } })),
  {
    name: "everything comes again, on a contract-less runtime",
    answers: {
      ...Object.fromEntries(looping.map((state) => [state, [{ output: again(1), times: 2 }]])),
      Start: [{ output: synchronous }],
    },
  },
  ...retries,
  {
    name: "the function takes too long while it holds a call",
    answers: { ...leading.SynchronousCall, SynchronousCall: [{ error: "States.Timeout" }] },
  },
  {
    name: "errors of two kinds are counted each by its own retrier",
    answers: {
      Provision: [
        { error: "Lambda.TooManyRequestsException", times: 3 },
        { error: "StepRetryable", times: 5 },
        { error: "Lambda.TooManyRequestsException", times: 2 },
      ],
    },
  },
  {
    name: "what is refused after it was tried again is not tried again",
    answers: { AwaitReady: [{ error: "StepRetryable", times: 2 }, { error: "StepRefused" }] },
  },
  {
    name: "a job that runs after all is watched on, and fails later",
    answers: {
      Start: [{ error: "StepRefused" }],
      Fail: [{ output: again(3) }],
      Complete: [{ error: "StepRefused" }],
    },
  },
  {
    name: "trouble in Watch, and the job goes on",
    answers: { Watch: [{ error: "States.Timeout", times: 4 }, { output: again(2) }] },
  },
  // A cancel is seen by the steps, which then let the execution through without doing anything.
  { name: "cancelled while the runtime is made", answers: { AwaitReady: [{ output: again(1) }, { output: done }] } },
  { name: "cancelled while the job runs", answers: { Watch: [{ output: again(2), times: 2 }, { output: done }] } },
  {
    name: "cancelled while nobody can reach the worker",
    answers: { Watch: [{ error: "StepRetryable", times: 4 }, { output: done }], Cleanup: [{ output: again(5) }] },
  },
];

if (import.meta.main) console.log(JSON.stringify(scenarios));
