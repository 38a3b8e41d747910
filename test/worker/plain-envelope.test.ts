import { expect, test } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { processesWith, startWorker, until } from "./start-worker.ts";

test.concurrent("a body without the contract is run and answered when done", async () => {
  await using worker = await startWorker();
  const answer = async (body: Record<string, unknown>) => (await worker.post(body)).json();
  expect(await answer({ prompt: "say it", input: { framework: "echo" } })).toMatchObject({
    ok: true,
    output: { output: "say it" },
    events: [{ type: "task.progress" }],
    artifacts: [],
  });
  expect(await answer({ taskType: "command.run", input: { command: "sh -c 'echo hi; exit 2'" } })).toMatchObject({
    ok: false,
    output: { exitCode: 2 },
    events: [{ type: "task.log", message: "hi\n" }],
    error: { code: "task.exit_code" },
  });
  expect(await answer({ prompt: "say it" })).toMatchObject({ ok: false, error: { code: "task.framework_missing" } });
  expect(await answer({ taskType: "no.such" })).toMatchObject({ ok: false, error: { code: "input.invalid" } });
  expect(await answer({})).toMatchObject({ ok: false, error: { code: "input.invalid" } });
  expect((await worker.ping()).status).toBe("Healthy");
});

test.concurrent("it ends when its caller hangs up, since nobody could ask for it later", async () => {
  const marker = `plain-${process.pid}`;
  await using worker = await startWorker({ [environmentVariables.sessionMarker]: marker });
  const jobs = () =>
    processesWith(`${environmentVariables.sessionMarker}=${marker}`).filter((pid) => pid !== worker.process.pid);
  const hangUp = new AbortController();
  const asked = worker.post({ taskType: "command.run", input: { command: "sleep 60" } }, {}, hangUp.signal);
  await until(() => jobs().length > 0);
  expect((await worker.ping()).status).toBe("HealthyBusy");
  expect(await (await worker.post({ prompt: "me too" })).json()).toMatchObject({ error: { code: "worker.busy" } });
  hangUp.abort();
  await expect(asked).rejects.toThrow();
  await until(() => jobs().length === 0);
  await until(async () => (await worker.ping()).status === "Healthy");
});
