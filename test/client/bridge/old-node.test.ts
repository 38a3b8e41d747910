import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { placeBridge } from "../../package/placed.ts";
import { cleanEnv } from "../cli/cli.ts";
import { type BridgeOptions, BridgeProcess } from "./bridge-process.ts";
import { event, openScripted, stream } from "./scripted-endpoint.ts";

/** What came to JavaScript and to Node after 20.0, as far as it can be taken away. https://nodejs.org/en/blog/release/ */
const withoutNews = `
  for (const name of ["withResolvers", "try"]) delete Promise[name];
  for (const name of ["groupBy"]) { delete Object[name]; delete Map[name]; }
  for (const name of ["union", "intersection", "difference", "isSubsetOf", "isSupersetOf"]) delete Set.prototype[name];
  for (const name of ["transfer", "resize"]) delete ArrayBuffer.prototype[name];
  for (const name of ["toBase64", "toHex"]) delete Uint8Array.prototype[name];
  for (const name of ["fromBase64", "fromHex"]) delete Uint8Array[name];
  delete Array.fromAsync;
  delete AbortSignal.any;
  delete RegExp.escape;
  delete Error.isError;
  delete URL.parse;
  for (const name of ["Iterator", "WebSocket", "navigator", "Float16Array", "DisposableStack"]) delete globalThis[name];
  for (const name of ["map", "filter", "take", "drop", "flatMap", "reduce", "toArray", "forEach", "some", "every", "find"])
    delete Object.getPrototypeOf(Object.getPrototypeOf([].values()))[name];`;

/** A Node 20 of this machine, where there is one. */
const node20 = (process.env.PATH ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "node"))
  .find((file) => existsSync(file) && versionOf(file).startsWith("v20."));

function versionOf(file: string): string {
  return execFileSync(file, ["--version"], { encoding: "utf8", env: cleanEnv() });
}

let folder: string;
let entry: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-dispatch-bridge-"));
  entry = await placeBridge(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runs: { which: string; options: BridgeOptions }[] = [
  {
    which: "without what came later",
    options: { env: { NODE_OPTIONS: `--import="data:text/javascript,${encodeURIComponent(withoutNews)}"` } },
  },
  ...(node20 ? [{ which: "that is one", options: { node: node20 } }] : []),
];

test.each(runs)("as it is built it serves a client on Node 20 $which", async ({ options }) => {
  let tries = 0;
  const endpoint = await openScripted(
    {
      "tools/call": ({ message }, response) => {
        tries += 1;
        if (tries === 1) return void response.destroy();
        const note = { jsonrpc: "2.0", method: "notifications/progress", params: { progress: 1 } };
        stream(response).write(event(note));
        if (tries === 2) response.end(event({ jsonrpc: "2.0", id: message.id, result: { ok: true } }));
      },
    },
    onTestFinished,
  );
  const words = ["bridge", "--endpoint", endpoint.url, "--region", "us-west-2"];
  const env = { XDG_CACHE_HOME: folder, ...options.env };
  const bridge = new BridgeProcess(words, { entry, ...options, env });
  expect(await bridge.ask(1, "initialize", { protocolVersion: "2025-06-18" })).toHaveProperty("result");
  const dispatch = { name: "dispatch_task", arguments: { input: {} } };
  expect(await bridge.ask(2, "tools/call", dispatch)).toMatchObject({ result: { ok: true } });
  const noted = bridge.messages.length;
  bridge.send({ jsonrpc: "2.0", id: 3, method: "tools/call", params: { name: "wait_for_task" } });
  await bridge.until(() => bridge.messages.length > noted);
  bridge.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 3 } });
  expect(await bridge.end()).toBe(0);
  expect(bridge.err).toBe("");
});
