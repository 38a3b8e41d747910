/** A way to break the engine: in that file the one text is put in place of the other. */
export type Mutation = { file: string; from: string; to: string };

/**
 * Ways to break what is promised, each in one place; the first 150 seeds are to catch every one of them.
 *
 * That the gate is not asked before an invocation is none of them: whoever invokes looks first at the status of the task, in the same
 * write, and the clean-up stops a session that another has closed once more. The gate alone keeps back only what was about to say hello,
 * or to tell of a cancel, for so long that the clean-up was over meanwhile; its own test is in `test/engine/steps.test.ts`.
 */
export const mutations: Readonly<Record<string, Mutation>> = {
  "an obligation is settled before its effect": {
    file: "lib/engine/steps/cleanup.ts",
    from: "    if (await deleteRuntime(ports, task)) {",
    to: "    if (true) {",
  },
  "a session is not stopped": {
    file: "lib/engine/session-end.ts",
    from: "  await adapterOf(ports, closed).stop(closed);\n",
    to: "",
  },
  "a job that another boot refused is started again": {
    file: "lib/engine/steps/start.ts",
    from: "const bootId = task.session?.bootId ?? (await meet(ports, task));",
    to: 'const bootId = await invokeOnce(ports, task.id, HELLO_MS, () => ({ contract: CONTRACT, op: "hello" })).then((reply) => parseReply(helloReplySchema, reply).bootId);',
  },
  "a dead execution is not followed by another": {
    file: "lib/engine/recovery.ts",
    from: "executionNumber: task.executionNumber + 1 }",
    to: "executionNumber: task.executionNumber }",
  },
  "a runtime is deleted while tasks use it": {
    file: "lib/engine/shared-runtimes/housekeeping.ts",
    from: "  runtime.users.length === 0 &&\n  (runtime.lastUsedAtMs",
    to: "  (runtime.lastUsedAtMs",
  },
  "a slot is not given back": {
    file: "lib/engine/admission/admission.ts",
    from: "  if (task.obligations.slot !== undefined) await giveBack(ports, task);\n  try {",
    to: "  try {",
  },
  "whether a write landed is not asked after a lost answer": {
    file: "lib/store/dynamodb/items.ts",
    from: "if (mayHaveLanded && (await hasLanded?.())) return true;",
    to: "",
  },
  "a step of an older execution acts": {
    file: "lib/engine/steps/step.ts",
    from: "return task?.executionNumber === n ? task : undefined;",
    to: "return n > 0 ? task : undefined;",
  },
  "news are written again after the ones that were": {
    file: "lib/engine/poll/apply-reply.ts",
    from: "    workerSequence: reply.next,\n",
    to: "    workerSequence: Math.max(task.workerSequence, reply.next - 1),\n",
  },
  "what is polled is noted as known although it was not kept": {
    file: "lib/engine/poll/poll.ts",
    from: "    const { said, kept } = await keep(ports, task, reply);",
    to: "    const { said, kept } = { said: reply, kept: { log: task, left: {} } };",
  },
  "a part that was begun and never made stays so": {
    file: "lib/engine/orchestration/advance.ts",
    from: "missing = isOver ? [] : seen.missing.map(({ position }) => position);",
    to: "missing = [];",
  },
  "one of two who talk goes on with the conversation of the other": {
    file: "lib/engine/orchestration/dialogue.ts",
    from: "conversationBegunBy(await childId(parent, position % 2))",
    to: "conversationBegunBy(await childId(parent, 0))",
  },
  "a runtime whose making had no answer is forgotten": {
    file: "lib/backends/agentcore/runtime.ts",
    from: 'if (!runtime) return nowMs - sinceMs > UNSEEN_MS ? "gone" : "held";',
    to: 'if (!runtime) return "gone";',
  },
};
