import { expect, test } from "vitest";
import { callTool } from "../../../lib/client/http/call-tool.ts";
import type { Door } from "../../../lib/client/http/door.ts";
import { doorTo, envOf, gatewayBefore } from "./open.ts";

const call = (door: Door) => callTool(door, "list_providers", {}, { patienceMs: 300 });

test("a signed call passes the gateway, again and again", async () => {
  const { gateway } = await gatewayBefore();
  const door = doorTo({ endpoint: gateway.url }, envOf(gateway.admit()));
  for (let time = 0; time < 3; time++)
    expect(await call(door)).toMatchObject({ structuredContent: { items: ["aws", "local"] } });
  expect([gateway.passed(), gateway.refused]).toEqual([3, {}]);
});

test.each([
  ["lambda", "eu-central-1"],
  ["bedrock-agentcore", "cn-north-1"],
])("a signature for %s in %s, as the options say", async (service, region) => {
  const { gateway } = await gatewayBefore({ service, region });
  const env = envOf(gateway.admit());
  await call(doorTo({ endpoint: gateway.url, service, region }, env));
  await expect(call(doorTo({ endpoint: gateway.url, region }, env))).rejects.toMatchObject({
    code: "endpoint.unauthenticated",
    message: expect.stringContaining(`Credential should be scoped to correct service: '${service}'.`),
  });
  expect(gateway.passed()).toBe(1);
});

test("credentials of a session are signed with their token", async () => {
  const { gateway } = await gatewayBefore();
  const env = envOf(gateway.admit(), { AWS_SESSION_TOKEN: "a/token+of=the/session==" });
  await call(doorTo({ endpoint: gateway.url }, env));
  expect(gateway.passed()).toBe(1);
});

const refusals: [
  what: string,
  spoil: (open: Awaited<ReturnType<typeof gatewayBefore>>) => Door,
  expected: { code: string; message: RegExp; hint: RegExp },
][] = [
  [
    "a wrong secret",
    ({ gateway }) =>
      doorTo({ endpoint: gateway.url }, envOf({ ...gateway.admit(), secretAccessKey: "not-the-secret-at-all" })),
    { code: "endpoint.unauthenticated", message: /signature does not match/, hint: /secret access key/ },
  ],
  [
    "a key that nobody knows",
    ({ gateway }) => doorTo({ endpoint: gateway.url }, envOf({ ...gateway.admit(), accessKeyId: "AKIAUNKNOWN" })),
    { code: "endpoint.unauthenticated", message: /does not know the access key/, hint: /AWS_ACCESS_KEY_ID/ },
  ],
  [
    "a wrong region",
    ({ gateway }) => doorTo({ endpoint: gateway.url, region: "eu-west-1" }, envOf(gateway.admit())),
    {
      code: "endpoint.unauthenticated",
      message: /for execute-api in eu-west-1: Credential should be scoped to a valid region, not 'eu-west-1'/,
      hint: /--region/,
    },
  ],
  [
    "credentials that have expired",
    ({ gateway }) => doorTo({ endpoint: gateway.url }, envOf(gateway.admit("expired"))),
    { code: "endpoint.unauthenticated", message: /have expired/, hint: /AWS_SESSION_TOKEN/ },
  ],
  [
    "a caller without the permission",
    ({ gateway }) => doorTo({ endpoint: gateway.url }, envOf(gateway.admit("not-allowed"))),
    {
      code: "endpoint.forbidden",
      message: /^arn:aws:sts::123456789012:assumed-role\/\S+ may not use http\S+: execute-api:Invoke is missing$/,
      // The account is whole again, and the path is the one asked for.
      hint: /\{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-west-2:123456789012:api1234567\/live\/POST\/mcp"\}/,
    },
  ],
  [
    "a caller of another account without the permission",
    ({ gateway }) =>
      doorTo({ endpoint: gateway.url }, envOf(gateway.admit("not-allowed", "arn:aws:iam::999988887777:user/x"))),
    {
      code: "endpoint.forbidden",
      message: /^arn:aws:iam::999988887777:user\/x may not/,
      hint: /"Resource":"arn:aws:execute-api:us-west-2:\*:api1234567\/live\/POST\/mcp"/,
    },
  ],
  [
    "a caller that a policy denies it",
    ({ gateway }) => doorTo({ endpoint: gateway.url }, envOf(gateway.admit("denied"))),
    { code: "endpoint.forbidden", message: /execute-api:Invoke is missing/, hint: /denies .* explicitly/ },
  ],
  [
    "a path that is not there",
    ({ gateway }) => doorTo({ endpoint: gateway.url.replace("/live/", "/prod/") }, envOf(gateway.admit())),
    { code: "endpoint.failed", message: /Missing Authentication Token/, hint: /\/live\/mcp/ },
  ],
];

test.each(refusals)("%s is refused, with what to do and no secret", async (_, spoil, expected) => {
  const open = await gatewayBefore();
  const error: Error & { code?: string; hint?: string } = await call(spoil(open)).then(
    () => new Error("it passed"),
    (error) => error,
  );
  expect(error).toMatchObject({ code: expected.code });
  expect(error.message).toMatch(expected.message);
  expect(error.hint).toMatch(expected.hint);
  expect(open.gateway.passed()).toBe(0);
});

test.each([
  [10 * 60_000, /refuses the time of the signature: Signature expired: \d{8}T\d{6}Z is now earlier than/],
  [-10 * 60_000, /Signature not yet current: \d{8}T\d{6}Z is still later than/],
])("a clock that is %i ms off is told apart from wrong keys", async (offMs, message) => {
  const { gateway } = await gatewayBefore({ nowMs: () => Date.now() + offMs });
  await expect(call(doorTo({ endpoint: gateway.url }, envOf(gateway.admit())))).rejects.toMatchObject({
    code: "endpoint.unauthenticated",
    message: expect.stringMatching(message),
    hint: expect.stringContaining("clock"),
  });
});

test("no text of a refusal holds a secret, though the gateway shows the whole request", async () => {
  const { gateway } = await gatewayBefore();
  const token = "token-of-a-session-that-nobody-may-read";
  const secret = "not-the-secret-of-this-access-key";
  const env = envOf({ ...gateway.admit(), secretAccessKey: secret }, { AWS_SESSION_TOKEN: token });
  const told: string[] = [];
  const log = { debug: (message: string, fields?: object) => void told.push(message + JSON.stringify(fields)) };
  const error = await callTool(doorTo({ endpoint: gateway.url }, env), "list_providers", {}, { log }).catch((e) => e);
  for (let at = error; at instanceof Error; at = at.cause) told.push(String(at), JSON.stringify(at), at.stack ?? "");
  expect(gateway.refused).toEqual({ InvalidSignatureException: 1 });
  expect(told.join("\n")).not.toContain(token);
  expect(told.join("\n")).not.toContain(secret);
  expect(told.join("\n")).not.toContain("Signature=");
});
