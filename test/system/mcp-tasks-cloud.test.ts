/** The suite for tasks of MCP on the cloud as deployed, where no process answers two requests. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { signingFetch } from "../aws/callers.ts";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { cloudConfiguration, onAws } from "./cloud-under-test.ts";
import { forbidden, policiesOf } from "./permissions.ts";
import { mcpTasks } from "./suites/mcp-tasks.ts";
import { commandCall } from "./system.ts";

let cloud: CloudSystem;
beforeAll(async () => {
  cloud = await openCloudSystem(cloudConfiguration);
});
afterAll(() => cloud?.[Symbol.asyncDispose]());

describe("the bundle of the endpoint behind a REST API", () =>
  mcpTasks(async () => {
    const signed = signingFetch(cloud.admit());
    const place = onAws("session", { backend: "agentcore" });
    return {
      place: {
        url: cloud.url,
        identity: async (...request) => {
          await cloud.functions.mcp.recycle();
          return signed(...request);
        },
      },
      commandCall: (input) => commandCall(input, place),
    };
  }));

it("has done nothing that the stack's policies do not allow", async ({ expect }) => {
  expect(forbidden(await policiesOf(cloud))).toEqual([]);
});
