import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "../../lib/contract/logger.ts";
import { startLocal } from "../../lib/system/local.ts";
import { bearer, startCredentialProxy } from "./credential-proxy.ts";
import { fixtures } from "./fixtures/index.ts";

/** An endpoint that wants no credentials, for as long as it is needed. */
export type Endpoint = AsyncDisposable & { url: string };

/** Where the suite is run: each way in which the endpoint is served. */
export const endpoints = {
  local: openLocal,
} satisfies Readonly<Record<string, () => Promise<Endpoint>>>;
export type EndpointName = keyof typeof endpoints;

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function openLocal(): Promise<Endpoint> {
  const stack = new AsyncDisposableStack();
  const stateDir = mkdtempSync(join(tmpdir(), "agent-dispatch-conformance-"));
  stack.defer(() => rmSync(stateDir, { recursive: true, force: true }));
  const system = await startLocal({ stateDir, log: quiet, extra: () => fixtures });
  stack.defer(() => system.close());
  const { url } = stack.use(await startCredentialProxy(system.url, bearer(system.token)));
  return { url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
