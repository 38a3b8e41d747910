import { expect, test } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { readConfig, readSessionConfig } from "../../worker/config.ts";
import { startWorker } from "./start-worker.ts";

test.each([
  [environmentVariables.workerPort, "http"],
  [environmentVariables.workerPort, "70000"],
  [environmentVariables.workerIdleSeconds, "-1"],
  [environmentVariables.frameworkCommands, "{"],
  [environmentVariables.frameworkCommands, "[]"],
  [environmentVariables.frameworkCommands, '{"a":""}'],
  [environmentVariables.frameworkCommands, '{"../a":"b"}'],
  [`${environmentVariables.frameworkCommandPrefix}A`, "'b"],
])("a wrong %s is refused by name", (name, value) => {
  const read = () => ({ ...readConfig({ [name]: value }), ...readSessionConfig({ [name]: value }) });
  expect(read).toThrow(name);
});

test("jobs inherit all but the worker's own variables", () => {
  const config = readSessionConfig({
    A: "1",
    [environmentVariables.workerIdleSeconds]: "5",
    [environmentVariables.sessionMarker]: "s",
  });
  expect(config.jobEnv).toEqual({ A: "1", [environmentVariables.sessionMarker]: "s" });
  expect(config.allowlist).toBeUndefined();
  expect(readSessionConfig({ [environmentVariables.commandAllowlist]: "" }).allowlist).toEqual(new Set());
});

test("a worker that cannot start says why and ends", async () => {
  await using worker = await startWorker();
  await expect(startWorker({ [environmentVariables.workerPort]: String(worker.port) })).rejects.toThrow("EADDRINUSE");
  await expect(startWorker({ [environmentVariables.frameworkCommands]: "{" })).rejects.toThrow(
    environmentVariables.frameworkCommands,
  );
});

test("a task whose folders cannot be made fails, and the worker answers", async () => {
  await using worker = await startWorker({ TMPDIR: "/dev/null" });
  const { reply } = await worker.run({ command: "true" });
  expect(reply).toMatchObject({ status: "failed", error: { code: "worker.storage" } });
});
