import { expect, test } from "vitest";
import { builtInFramework } from "../../../lib/contract/frameworks.ts";
import { type Step, scripted } from "../../emulators/models/script.ts";
import { openLab, read } from "../lab.ts";
import type { RealProgram } from "../real-program.ts";

/** Nobody waits longer than this for a refusal that comes at once. */
const SOON_SECONDS = 60;

/** The ways to fail, told apart. */
export function failing(program: RealProgram): void {
  const login = builtInFramework(program.framework)?.login ?? "";

  test.each([
    ["a key that is refused", { key: "another" }],
    ["no key at all", { key: "" }],
  ])("%s", async (_, options) => {
    const lab = await openLab(program, options);
    const record = await lab.run(scripted("hello", { say: "never" }), { timeout_seconds: SOON_SECONDS });
    expect(record).toMatchObject({
      status: "failed",
      error: { code: "task.auth", hint: expect.stringContaining(login.split(",")[0] ?? "") },
    });
  });

  test.each<[string, Step, string]>([
    ["a model that there is not", { noModel: true }, "task.model_unavailable"],
    ["a provider that answers with an error", { fail: 400, message: "the request is bad" }, "task.agent_error"],
    ["a provider that is asked too often in a minute", { fail: 429, message: "slow down" }, "task.agent_error"],
  ])("%s", async (_, step, code) => {
    const lab = await openLab(program);
    const record = await lab.run(scripted("hello", step), { timeout_seconds: SOON_SECONDS });
    expect(record).toMatchObject({ status: "failed", error: { code } });
  });

  test("the limit of an account", async () => {
    const lab = await openLab(program);
    const limit = { resetsAt: Date.UTC(2036, 0, 2, 3, 4) / 1000 };
    const record = await lab.run(scripted("hello", { limit }), { timeout_seconds: SOON_SECONDS });
    expect(record).toMatchObject({ status: "failed", error: { code: "task.usage_limit" } });
    if (program.tellsReset) expect(JSON.stringify(record.error)).toMatch(/2036|Jan 2/);
  });

  test("a budget is kept, and what there was by then is said", async () => {
    const lab = await openLab(program, {
      configure: () => ({ defaults: { limits: { maxBudgetUsd: 0.5 } } }),
    });
    const work: Step = { run: "echo spent >> spent.txt" };
    // Whether a program still does what the reply asked for that went over its budget, differs from run to run.
    const spends = Array.from({ length: 20 }, () => ({ ...work, usage: { input: 200_000, output: 1000 } }));
    const steps = [work, ...spends, { say: "too late" }];
    const record = await lab.run(scripted("spend", ...steps), { model: program.pricedModel });
    expect(record).toMatchObject({ status: "failed", error: { code: "task.budget" } });
    const { result } = await lab.result(record);
    // It had called a tool at least once, and the tokens of that are counted.
    const { usage } = result as { usage?: { inputTokens?: number; outputTokens?: number } };
    expect(usage?.inputTokens).toBeGreaterThanOrEqual(200_000);
    expect(usage?.outputTokens).toBeGreaterThanOrEqual(1000);
    expect(read(lab, "spent.txt")).toMatch(/^(spent\n)+$/);
    // It did not go on to the end.
    expect(lab.model.requests.length).toBeLessThan(15);
  });
}
