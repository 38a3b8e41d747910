import { expect, it } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import { REGION } from "../../emulators/agentcore/emulator.ts";
import { startEmulator } from "../../emulators/agentcore/system.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { useEmulatorCredentials } from "./emulator-credentials.ts";

useEmulatorCredentials();
const PREFIX = "ad_0a1b2c3d_";
const ours = [`${PREFIX}${"0".repeat(32)}`, `${PREFIX}${"1".repeat(32)}`];

async function open(prefix?: string) {
  const emulator = await startEmulator();
  for (const name of [...ours, `ad_ffffffff_${"2".repeat(32)}`, "shared", "somebody_else"]) emulator.deploy(name);
  const configuration = parseConfiguration({
    accounts: { one: { provider: "aws", region: REGION }, same: { provider: "aws" } },
    backends: { cloud: { adapter: "aws-agentcore", account: "one" } },
    runtimes: { cloud: { backend: "cloud" } },
  });
  const silent = () => {};
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const backend = agentCoreBackend({
    configuration: () => configuration,
    endpoint: emulator.endpoint,
    now: Date.now,
    log,
    holdSeconds: 60,
    ...(prefix !== undefined && { runtimePrefix: prefix }),
  });
  return { emulator, inventory: backend.inventory };
}

it("finds what this system has made, once, by the beginning of its name, and deletes it until it is gone", async () => {
  const { emulator, inventory } = await open(PREFIX);
  const found = await inventory?.list();
  expect(found?.unseen).toEqual([]);
  expect(found?.runtimes.map(({ name }) => name).sort()).toEqual(ours);
  const [first] = found?.runtimes ?? [];
  expect(first).toMatchObject({
    region: REGION,
    status: "READY",
    arn: expect.stringContaining(`:runtime/${first?.name}`),
  });
  await expect.poll(() => first && inventory?.remove(first), { timeout: 20_000 }).toBe("gone");
  expect((await inventory?.list())?.runtimes.map(({ name }) => name)).toEqual(
    ours.filter((name) => name !== first?.name),
  );
  expect(emulator.flaws).toEqual([]);
});

it("says where it could not look, and why", async () => {
  const { emulator, inventory } = await open(PREFIX);
  emulator.fail("ListAgentRuntimes", { error: "AccessDeniedException" });
  const found = await inventory?.list();
  expect(found?.unseen).toMatchObject([{ region: REGION, reason: expect.stringMatching(/ListAgentRuntimes/) }]);
});

it("is not there where a name does not say whose a runtime is", async () => {
  expect((await open()).inventory).toBeUndefined();
});
