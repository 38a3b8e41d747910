import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Deployed } from "../../lib/backends/agentcore/cloud-defaults.ts";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import type { Logger } from "../../lib/contract/logger.ts";
import { startLocal } from "../../lib/system/local.ts";
import { openCloudSystem } from "../emulators/cloud-system.ts";
import { cloudConfiguration } from "../system/cloud-under-test.ts";
import { bearer, signed, startCredentialProxy } from "./credential-proxy.ts";
import { fixturesAt } from "./fixtures/index.ts";
import { localPlace } from "./fixtures/places.ts";

/** An endpoint that wants no credentials, for as long as it is needed. */
export type Endpoint = AsyncDisposable & {
  url: string;
  /** How many requests each of the processes behind it has had so far, where there are several. */
  requests?: readonly number[];
};

/** Where the suite is run: each way in which the endpoint is served. */
export const endpoints = {
  local: openLocal,
  cloud: openCloud,
} satisfies Readonly<Record<string, () => Promise<Endpoint>>>;
export type EndpointName = keyof typeof endpoints;

/** Of workers, so that they know the framework of the fixtures. */
const environment = {
  AGENTDISPATCH_FRAMEWORK_COMMAND_FIXTURE: `${process.execPath} ${join(import.meta.dirname, "fixtures/agent.mjs")}`,
};
const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function openLocal(): Promise<Endpoint> {
  const stack = new AsyncDisposableStack();
  const stateDir = mkdtempSync(join(tmpdir(), "agent-dispatch-conformance-"));
  stack.defer(() => rmSync(stateDir, { recursive: true, force: true }));
  const configFile = join(stateDir, "config.json");
  const backends = { fixtures: { adapter: "local-process", account: "local", details: { environment } } };
  writeFileSync(configFile, JSON.stringify({ backends }));
  const system = await startLocal({ stateDir, configFile, log: quiet, extra: fixturesAt(localPlace) });
  stack.defer(() => system.close());
  const { url } = stack.use(await startCredentialProxy(system.url, bearer(system.token)));
  return { url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Also of what is asked before a task is dispatched. */
function cloudWithFixtures(deployed: Deployed): ConfigurationInput {
  const configuration = cloudConfiguration(deployed);
  const { narrow } = configuration.backends ?? {};
  if (!narrow) throw new Error("there is no backend to take after");
  const fixtures = { ...narrow, details: { ...narrow.details, environment } };
  return { ...configuration, backends: { ...configuration.backends, fixtures } };
}

/** The function's own bundle with the fixtures in it, behind the REST API; each request goes to another process than the last. */
async function openCloud(): Promise<Endpoint> {
  const stack = new AsyncDisposableStack();
  const cloud = stack.use(
    await openCloudSystem(cloudWithFixtures, {
      mcp: "test/conformance/fixtures/mcp-function.ts",
      endpoints: 2,
      environment,
    }),
  );
  const { url } = stack.use(await startCredentialProxy(cloud.url, signed(cloud.admit())));
  return { url, requests: cloud.requests, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
