import { expect, test } from "vitest";
import { settings } from "../../lib/contract/execution-environment.ts";
import { readConfig } from "../../worker/config.ts";
import { startWorker } from "./start-worker.ts";

test.each([
  [settings.workerPort, "http"],
  [settings.workerPort, "70000"],
  [settings.workerIdleSeconds, "-1"],
  [settings.frameworkCommands, "{"],
  [settings.frameworkCommands, "[]"],
  [settings.frameworkCommands, '{"a":""}'],
  [settings.frameworkCommands, '{"../a":"b"}'],
  [`${settings.frameworkCommandPrefix}A`, "'b"],
])("a wrong %s is refused by name", (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(name);
});

test("jobs inherit all but the worker's own variables", () => {
  const config = readConfig({ A: "1", [settings.workerIdleSeconds]: "5", [settings.sessionMarker]: "s" });
  expect(config.jobEnv).toEqual({ A: "1", [settings.sessionMarker]: "s" });
  expect(config.allowlist).toBeUndefined();
  expect(readConfig({ [settings.commandAllowlist]: "" }).allowlist).toEqual(new Set());
});

test("a worker that cannot start says why and ends", async () => {
  await using worker = await startWorker();
  await expect(startWorker({ [settings.workerPort]: String(worker.port) })).rejects.toThrow("EADDRINUSE");
  await expect(startWorker({ [settings.frameworkCommands]: "{" })).rejects.toThrow(settings.frameworkCommands);
});

test("a task whose folders cannot be made fails, and the worker answers", async () => {
  await using worker = await startWorker({ TMPDIR: "/dev/null" });
  const { reply } = await worker.run({ command: "true" });
  expect(reply).toMatchObject({ status: "failed", error: { code: "worker.storage" } });
});
