import { createServer } from "node:http";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { listen } from "../emulators/requests/listen.ts";

const script = join(import.meta.dirname, "fixtures/call-home.mjs");

/**
 * Whoever is called by what a folder holds, until the test ends: the paths that were asked for, and a command that asks for
 * one.
 */
export async function openListener() {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(request.url ?? "");
    response.writeHead(500).end("{}");
  });
  const { endpoint, close } = await listen(server);
  onTestFinished(close);
  const caller = (what: string): [string, ...string[]] => [process.execPath, script, endpoint, what];
  return { heard, endpoint, caller };
}
