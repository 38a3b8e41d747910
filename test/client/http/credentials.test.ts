import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test, vi } from "vitest";
import { callTool } from "../../../lib/client/http/call-tool.ts";
import { CredentialSource } from "../../../lib/client/http/credentials.ts";
import type { Caller } from "../../aws/callers.ts";
import { listen } from "../../emulators/requests/listen.ts";
import { doorTo, envOf, gatewayBefore } from "./open.ts";

const fixtures = join(import.meta.dirname, "fixtures");

/** A home with a profile `work` whose process gives these keys, one after the other; `null` fails. */
function homeWith(keys: (object | null)[]) {
  const home = mkdtempSync(join(tmpdir(), "agent-dispatch-keys-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const file = join(home, "keys.json");
  writeFileSync(file, JSON.stringify(keys));
  writeFileSync(`${file}.runs`, "");
  const config = join(home, "config");
  const command = `"${process.execPath}" "${join(fixtures, "give-keys.mjs")}" "${file}"`;
  writeFileSync(
    config,
    `[profile work]\ncredential_process = ${command}\n
[profile sso]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n
[sso-session corp]\nsso_region = us-west-2\nsso_start_url = https://example.awsapps.com/start\n`,
  );
  const env = {
    HOME: home,
    AWS_CONFIG_FILE: config,
    AWS_SHARED_CREDENTIALS_FILE: join(home, "credentials"),
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_REGION: "us-west-2",
    PATH: process.env.PATH ?? "",
  };
  return { env, runs: () => readFileSync(`${file}.runs`, "utf8").split("\n").slice(0, -1) };
}

/** The child with an endpoint; what it prints, line by line. */
function start(url: string, env: Record<string, string>) {
  const child = spawn(process.execPath, [join(fixtures, "call-endpoint.ts"), url], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    next: async (): Promise<Record<string, unknown>> => JSON.parse(String((await lines.next()).value)),
  };
}

const asKeys = ({ accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string }, more = {}) => ({
  AccessKeyId: accessKeyId,
  SecretAccessKey: secretAccessKey,
  ...more,
});

test("credentials of the environment are used without the SDK", async () => {
  const { gateway } = await gatewayBefore();
  const { child, next } = start(gateway.url, envOf(gateway.admit()));
  expect(await next()).toMatchObject({ said: "first", answer: { items: ["aws", "local"] } });
  child.stdin.end();
  expect(await next()).toEqual({ loaded: [] });
});

test("a credential_process that reads its input gets none, and what is for us stays ours", async () => {
  const { gateway } = await gatewayBefore();
  const { env, runs } = homeWith([asKeys(gateway.admit())]);
  const { child, next } = start(gateway.url, { ...env, AWS_PROFILE: "work" });
  // It is there before the process runs, which would read it all.
  child.stdin.write("second\n");
  expect(await next()).toMatchObject({ said: "first", answer: {} });
  expect(await next()).toMatchObject({ said: "second", answer: {} });
  child.stdin.end();
  expect(await next()).toMatchObject({ loaded: expect.arrayContaining(["@aws-sdk/credential-provider-node"]) });
  expect(runs()).toEqual(['""']);
});

test("credentials that the gateway does not take any more are renewed in mid-session", async () => {
  const { gateway } = await gatewayBefore();
  const [old, fresh] = [gateway.admit(), gateway.admit()];
  const { env, runs } = homeWith([asKeys(old), asKeys(fresh)]);
  const { child, next } = start(gateway.url, { ...env, AWS_PROFILE: "work" });
  expect(await next()).toMatchObject({ said: "first", answer: {} });
  gateway.set(old.accessKeyId, "expired");
  child.stdin.write("second\nthird\n");
  expect(await next()).toMatchObject({ said: "second", answer: {} });
  expect(await next()).toMatchObject({ said: "third", answer: {} });
  expect(gateway.refused).toEqual({ ExpiredTokenException: 1 });
  expect(runs()).toHaveLength(2);
  // One that keeps giving what is refused is asked once for each call, and no more.
  gateway.set(fresh.accessKeyId, "expired");
  child.stdin.write("fourth\n");
  expect(await next()).toMatchObject({
    said: "fourth",
    code: "endpoint.unauthenticated",
    message: expect.stringContaining("have expired"),
    hint: expect.stringContaining("aws sso login --profile work"),
  });
  expect(runs()).toHaveLength(3);
});

test("a credential_process that fails is told of, without what it said", async () => {
  const { gateway } = await gatewayBefore();
  const { env } = homeWith([null]);
  const { next } = start(gateway.url, { ...env, AWS_PROFILE: "work" });
  const told = await next();
  expect(told).toMatchObject({
    code: "endpoint.unauthenticated",
    message: 'the credential_process of the profile "work" gave no credentials',
    hint: expect.stringContaining("by hand"),
  });
  expect(JSON.stringify(told)).not.toMatch(/secret|give-keys/);
});

test.each([
  ["sso", /login of the profile "sso" has ended/, /aws sso login --profile sso/],
  ["nobody", /no credentials of the profile "nobody"/, /aws configure list-profiles/],
  [undefined, /no credentials of AWS were found/, /--profile or AWS_PROFILE/],
])("the profile %s has no credentials: what to do", async (profile, message, hint) => {
  const { env } = homeWith([]);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  await expect(new CredentialSource(profile, env).get()).rejects.toMatchObject({
    code: "endpoint.unauthenticated",
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });
});

test("credentials are renewed before they end, and those that are left are used meanwhile", async () => {
  const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
  const keys = (id: string, minutes: number) => ({ AccessKeyId: id, SecretAccessKey: "s", Expiration: at(minutes) });
  const { env, runs } = homeWith([keys("A", 60), keys("B", 120), null]);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });
  const source = new CredentialSource("work", env);
  const id = async () => (await source.get()).accessKeyId;
  expect([await id(), await id()]).toEqual(["A", "A"]);
  vi.setSystemTime(Date.now() + 54 * 60_000);
  expect(await id()).toBe("A");
  expect(runs()).toHaveLength(1);
  vi.setSystemTime(Date.now() + 2 * 60_000);
  // Ten calls at once renew them once.
  expect(await Promise.all(Array.from({ length: 10 }, id))).toEqual(Array(10).fill("A"));
  await vi.waitFor(async () => expect(await id()).toBe("B"), 20_000);
  expect(runs()).toHaveLength(2);
  // A renewal that fails changes nothing while they last, and is told of once they have ended.
  vi.setSystemTime(Date.now() + 60 * 60_000);
  expect(await id()).toBe("B");
  await vi.waitFor(() => expect(runs().length).toBeGreaterThan(2), 20_000);
  vi.setSystemTime(Date.now() + 10 * 60_000);
  await expect(id()).rejects.toMatchObject({ code: "endpoint.unauthenticated" });
});

test("many calls whose credentials have expired renew them once", async () => {
  const { gateway } = await gatewayBefore();
  const [old, fresh] = [gateway.admit(), gateway.admit()];
  const { env, runs } = homeWith([asKeys(old), asKeys(fresh), null]);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const door = doorTo({ endpoint: gateway.url, profile: "work" }, env);
  await callTool(door, "list_providers", {});
  gateway.set(old.accessKeyId, "expired");
  await Promise.all(Array.from({ length: 40 }, () => callTool(door, "list_providers", {})));
  expect(gateway.passed()).toBe(41);
  expect(runs()).toHaveLength(2);
});

/** What gives credentials over HTTP: a container's agent, the metadata of a machine (IMDSv2), and IAM Identity Center. */
async function keysOverHttp(keys: Caller) {
  const expiration = new Date(Date.now() + 3_600_000);
  const given = {
    AccessKeyId: keys.accessKeyId,
    SecretAccessKey: keys.secretAccessKey,
    Token: "session",
    Expiration: expiration.toISOString(),
    Code: "Success",
  };
  const role = "/latest/meta-data/iam/security-credentials/";
  const sso = {
    roleCredentials: {
      accessKeyId: keys.accessKeyId,
      secretAccessKey: keys.secretAccessKey,
      sessionToken: "session",
      expiration: expiration.getTime(),
    },
  };
  const server = createServer(({ method, url, headers }, response) => {
    const json = (value: object) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (method === "PUT" && url === "/latest/api/token") response.writeHead(200).end("token");
    else if (url === "/container" && headers.authorization === "of-the-container") json(given);
    else if (url === role && headers["x-aws-ec2-metadata-token"] === "token") response.writeHead(200).end("my-role");
    else if (url === `${role}my-role` && headers["x-aws-ec2-metadata-token"] === "token") json(given);
    else if (url?.startsWith("/federation/credentials?") && headers["x-amz-sso_bearer_token"] === "of-sso") json(sso);
    else response.writeHead(404).end();
  });
  const { endpoint, close } = await listen(server);
  onTestFinished(close);
  return endpoint;
}

test.each(["a container", "a machine", "single sign-on"])("credentials of %s", async (source) => {
  const { gateway } = await gatewayBefore();
  const endpoint = await keysOverHttp(gateway.admit());
  const { env } = homeWith([]);
  const cache = join(env.HOME, ".aws/sso/cache");
  mkdirSync(cache, { recursive: true });
  // As `aws sso login` leaves it: https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
  writeFileSync(
    join(cache, `${createHash("sha1").update("corp").digest("hex")}.json`),
    JSON.stringify({ accessToken: "of-sso", expiresAt: new Date(Date.now() + 3_600_000).toISOString() }),
  );
  const more: Record<string, Record<string, string>> = {
    "a container": {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: "of-the-container",
    },
    "a machine": { AWS_EC2_METADATA_DISABLED: "false", AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint },
    "single sign-on": { AWS_PROFILE: "sso", AWS_ENDPOINT_URL_SSO: endpoint },
  };
  const { child, next } = start(gateway.url, { ...env, ...more[source] });
  expect(await next()).toMatchObject({ said: "first", answer: { items: ["aws", "local"] } });
  child.stdin.end();
});
