import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished } from "vitest";
import { callTool } from "../../lib/client/http/call-tool.ts";
import { doorTo, envOf, gatewayBefore } from "../client/http/open.ts";
import { command } from "../mcp/clients.ts";
import { documented } from "./documented.ts";

const run = promisify(execFile);

/** Runs the client that is documented below a heading, in a folder of its own, and expects that it lists the one task. */
export async function expectListed(heading: string, file: string, start: (file: string) => [string, ...string[]]) {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-client-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(import.meta.dirname, "../../node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, file), documented(heading));
  const { gateway } = await gatewayBefore();
  const caller = gateway.admit();
  const door = doorTo({ endpoint: gateway.url }, envOf(caller));
  const { structuredContent } = await callTool(door, "dispatch_task", command());
  const { taskId } = structuredContent as { taskId: string };
  // Both kinds of credentials: those of a user, and those of a session, which have a token.
  for (const token of ["", "a/token+of=a/session=="]) {
    const [program, ...words] = start(join(folder, file));
    const env = { ...envOf(caller), AWS_SESSION_TOKEN: token, ENDPOINT: gateway.url, HOME: folder };
    const { stdout } = await run(program, words, { cwd: folder, env: { PATH: process.env.PATH, ...env } });
    const said = JSON.parse(stdout);
    expect(said.result?.structuredContent ?? said).toMatchObject({ items: [{ id: taskId }] });
  }
  expect(gateway.refused).toEqual({});
}
