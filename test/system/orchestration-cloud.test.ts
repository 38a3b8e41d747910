/** Tasks that are made of others, on the cloud as it is deployed, with every service of AWS emulated. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { cloudConfiguration, cloudUnderTest } from "./cloud-under-test.ts";
import { forbidden, policiesOf } from "./permissions.ts";
import { outliving } from "./suites/families.ts";
import { orchestrating } from "./suites/orchestrating.ts";

let cloud: CloudSystem;
beforeAll(async () => {
  cloud = await openCloudSystem(cloudConfiguration);
});
afterAll(() => cloud?.[Symbol.asyncDispose]());

describe("the cloud as deployed", () => {
  orchestrating(cloudUnderTest(() => cloud));
  outliving(cloudUnderTest(() => cloud));
});

it("has left nothing behind, and done nothing that the stack's policies do not allow", async ({ expect }) => {
  await expect.poll(() => cloud.emulator.inventory.sessions, { timeout: 40_000 }).toEqual([]);
  await expect.poll(() => cloud.store.listDue(Number.MAX_SAFE_INTEGER, 1000), { timeout: 40_000 }).toEqual([]);
  expect(forbidden(await policiesOf(cloud))).toEqual([]);
});
