import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { callTool } from "../../../lib/client/http/call-tool.ts";
import type { Target } from "../../../lib/client/http/door.ts";
import { REGION } from "../../aws/callers.ts";
import { startCloudFormation } from "../../emulators/cloudformation.ts";
import { openGateway } from "../../emulators/gateway.ts";
import { doorTo, envOf, gatewayBefore } from "./open.ts";

/** A stack `Team` whose endpoint is a gateway, and somebody who may use both. */
async function deployed() {
  const { gateway, behind } = await gatewayBefore();
  const caller = gateway.admit();
  const stacks: Record<string, Record<string, string>> = { Team: { Endpoint: gateway.url, Region: REGION } };
  const identities: Record<string, string> = { [caller.accessKeyId]: caller.secretAccessKey };
  const cloudFormation = await startCloudFormation({ region: REGION, identities, stacks });
  onTestFinished(() => cloudFormation.close());
  const cache = mkdtempSync(join(tmpdir(), "agent-dispatch-cache-"));
  onTestFinished(() => rmSync(cache, { recursive: true, force: true }));
  // The SDK reads where the service is from the environment of this process.
  vi.stubEnv("AWS_ENDPOINT_URL_CLOUDFORMATION", cloudFormation.endpoint);
  vi.stubEnv("AWS_CONFIG_FILE", join(cache, "none"));
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(cache, "none"));
  onTestFinished(() => void vi.unstubAllEnvs());
  const env = envOf(caller, { XDG_CACHE_HOME: cache, HOME: cache });
  const call = (stack = "Team", more = {}) =>
    callTool(doorTo({ stack }, { ...env, ...more }), "list_providers", {}, { patienceMs: 1000 });
  const file = () => join(cache, "agent-dispatch", readdirSync(join(cache, "agent-dispatch"))[0] ?? "");
  const open = (target: Target) => doorTo(target, env);
  const door = open({ stack: "Team" });
  return { open, gateway, behind, caller, stacks, identities, cloudFormation, call, door, file };
}

test("a stack is asked once where its endpoint is, by all who come after too", async () => {
  const { call, cloudFormation, gateway, file } = await deployed();
  for (let time = 0; time < 3; time++) expect(await call()).toMatchObject({ structuredContent: {} });
  expect(cloudFormation.asked).toEqual(["Team"]);
  expect(JSON.parse(readFileSync(file(), "utf8"))).toEqual({ endpoint: gateway.url, region: REGION });
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  // A file that cannot be used is as good as none.
  writeFileSync(file(), "{");
  await call();
  expect(cloudFormation.asked).toEqual(["Team", "Team"]);
});

test("an endpoint that has moved is found again", async () => {
  const { call, cloudFormation, gateway, behind, caller, stacks, file } = await deployed();
  await call();
  const moved = await openGateway({ behind });
  onTestFinished(() => moved.close());
  moved.know(caller.accessKeyId, caller.secretAccessKey);
  stacks.Team = { Endpoint: moved.url, Region: REGION };
  // The old address is not gone: it is of another API, or of none, as the gateway says it of those.
  gateway.fail({ status: 403, message: "Forbidden" });
  await call();
  expect([gateway.passed(), moved.passed(), cloudFormation.asked.length]).toEqual([1, 1, 2]);
  expect(JSON.parse(readFileSync(file(), "utf8"))).toMatchObject({ endpoint: moved.url });
  // And here nobody listens any more.
  await moved.close();
  stacks.Team = { Endpoint: gateway.url, Region: REGION };
  await call();
  expect([gateway.passed(), cloudFormation.asked.length]).toEqual([2, 3]);
});

test("a host that is gone is noticed too", async () => {
  const { call, cloudFormation, gateway, file } = await deployed();
  await call();
  writeFileSync(file(), JSON.stringify({ endpoint: "https://gone.invalid/live/mcp", region: REGION }));
  await call();
  expect([gateway.passed(), cloudFormation.asked.length]).toEqual([2, 2]);
});

test("an endpoint that refuses for good is asked about once more, and then its own words are told", async () => {
  const { call, cloudFormation, gateway } = await deployed();
  await call();
  gateway.fail({ status: 403, message: "Forbidden" }, { status: 403, message: "Forbidden" });
  await expect(call()).rejects.toMatchObject({
    code: "endpoint.forbidden",
    message: expect.stringContaining("Forbidden"),
  });
  expect(cloudFormation.asked).toHaveLength(2);
});

test("a caller whom a kept address refuses by name is told so once the stack has said the same again", async () => {
  const { call, cloudFormation, gateway, caller } = await deployed();
  await call();
  gateway.set(caller.accessKeyId, "not-allowed");
  await expect(call()).rejects.toMatchObject({ hint: expect.stringContaining("execute-api:Invoke") });
  expect(cloudFormation.asked).toHaveLength(2);
});

test("a kept address that refuses a caller by name may be another's: the stack says where the own one is", async () => {
  const { call, gateway, behind, caller, stacks } = await deployed();
  await call();
  const moved = await openGateway({ behind });
  onTestFinished(() => moved.close());
  moved.know(caller.accessKeyId, caller.secretAccessKey);
  stacks.Team = { Endpoint: moved.url, Region: REGION };
  gateway.set(caller.accessKeyId, "not-allowed");
  await call();
  expect([gateway.passed(), moved.passed()]).toEqual([1, 1]);
});

test("another's keys, and other files of AWS, mean another stack of the same name", async () => {
  const { call, cloudFormation, gateway, behind, stacks, identities } = await deployed();
  await call();
  const other = await openGateway({ behind });
  onTestFinished(() => other.close());
  const { accessKeyId, secretAccessKey } = other.admit();
  identities[accessKeyId] = secretAccessKey;
  stacks.Team = { Endpoint: other.url, Region: REGION };
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  await call("Team", keys);
  expect([gateway.passed(), other.passed(), cloudFormation.asked.length]).toEqual([1, 1, 2]);
  await call("Team", { ...keys, AWS_CONFIG_FILE: "/there/is/none" });
  await call("Team", { ...keys, AWS_SHARED_CREDENTIALS_FILE: "/there/is/none" });
  await call("Team", keys);
  expect([other.passed(), cloudFormation.asked.length]).toEqual([4, 4]);
});

test("what was kept for more than a day is asked for again", async () => {
  const { call, cloudFormation, file } = await deployed();
  await call();
  const now = Date.now() / 1000;
  for (const [ageS, times] of [
    [23 * 3600, 1],
    [25 * 3600, 2],
    [-25 * 3600, 3],
  ] as const) {
    utimesSync(file(), now - ageS, now - ageS);
    await call();
    expect(cloudFormation.asked).toHaveLength(times);
  }
});

test("who goes by an address for more than a day asks for it again, once, and stays with it where that fails", async () => {
  const { cloudFormation, door, stacks } = await deployed();
  const first = await door.locate();
  const moved = "https://abc123.execute-api.us-west-2.amazonaws.com/live/mcp";
  stacks.Team = { Endpoint: moved, Region: REGION };
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const pass = (hours: number) => vi.setSystemTime(Date.now() + hours * 3_600_000);
  pass(23);
  expect([(await door.locate()).href, cloudFormation.asked.length]).toEqual([first.href, 1]);
  pass(2);
  cloudFormation.faults.add({ status: 403, code: "AccessDenied" });
  expect([(await door.locate()).href, cloudFormation.asked.length]).toEqual([first.href, 1]);
  pass(25);
  const found = await Promise.all([door.locate(), door.locate()]);
  expect([...found.map(({ href }) => href), cloudFormation.asked.length]).toEqual([moved, moved, 2]);
});

test("a service that is named is what requests to a stack are signed for", async () => {
  const { gateway, behind, caller, stacks, open } = await deployed();
  const other = await openGateway({ behind, service: "lambda" });
  onTestFinished(() => other.close());
  other.know(caller.accessKeyId, caller.secretAccessKey);
  stacks.Team = { Endpoint: other.url, Region: REGION };
  const called = callTool(open({ stack: "Team", service: "lambda" }), "list_providers", {}, { patienceMs: 1000 });
  expect(await called).toMatchObject({ structuredContent: {} });
  expect([gateway.passed(), other.passed()]).toEqual([0, 1]);
});

test("of two who are refused at the old address, both find the new one", async () => {
  const { call, cloudFormation, door, gateway, stacks } = await deployed();
  await call();
  const url = await door.locate();
  stacks.Team = { Endpoint: "https://abc123.execute-api.us-west-2.amazonaws.com/live/mcp", Region: REGION };
  expect(url.href).toBe(gateway.url);
  expect(await Promise.all([door.renew("address", { url }), door.renew("address", { url })])).toEqual([true, true]);
  const moved = await door.locate();
  expect(moved.hostname).toMatch(/^abc123/);
  // A moment later, too; but the new one was only just said.
  expect(await door.renew("address", { url })).toBe(true);
  expect(await door.renew("address", { url: moved })).toBe(false);
  expect(cloudFormation.asked).toHaveLength(2);
});

test("a stack that cannot be asked again leaves what the endpoint said", async () => {
  const { call, cloudFormation, gateway } = await deployed();
  await call();
  gateway.fail({ status: 403, message: "Forbidden" }, { status: 403, message: "Forbidden" });
  cloudFormation.faults.add({ status: 403, code: "AccessDenied" });
  await expect(call()).rejects.toMatchObject({ message: expect.stringContaining("Forbidden") });
  await call();
});

test("a stack that is not there, one without an endpoint, and no region", async () => {
  const { call, stacks } = await deployed();
  stacks.Other = { Region: REGION };
  await expect(call("Nobody")).rejects.toMatchObject({
    code: "endpoint.address_invalid",
    message: `there is no stack Nobody in ${REGION} in this account`,
    hint: expect.stringContaining("--region"),
  });
  await expect(call("Other")).rejects.toMatchObject({
    code: "endpoint.address_invalid",
    message: "the stack Other has no output Endpoint",
  });
  vi.stubEnv("AWS_REGION", undefined);
  await expect(call("Team", { AWS_REGION: "" })).rejects.toMatchObject({ hint: "name it with --region" });
});

test.each([
  ["AccessDenied", "endpoint.forbidden", /cloudformation:DescribeStacks/],
  ["ExpiredToken", "endpoint.unauthenticated", /aws sso login/],
])("CloudFormation says %s", async (code, expected, hint) => {
  const { call, cloudFormation } = await deployed();
  cloudFormation.faults.add({ status: 403, code });
  await expect(call()).rejects.toMatchObject({ code: expected, hint: expect.stringMatching(hint) });
  // What failed is asked for again.
  await call();
});
