import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openGateway } from "../../emulators/gateway.ts";
import { type AtEnd, connectStdio, problemOf, revisions } from "../../mcp/clients.ts";
import { type RunningSystem, startSystem, systemClient, temporaryFolder } from "../../system/system.ts";
import { bridgeCommand } from "./bridge-process.ts";

/** One system for all clients, reached by its state folder, and through a gateway that verifies signatures. */
let system: RunningSystem;
let gateway: Awaited<ReturnType<typeof openGateway>>;
let folder: string;
const ends: (() => void | Promise<void>)[] = [];
const atEnd: AtEnd = (work) => void ends.unshift(work);

beforeAll(async () => {
  folder = temporaryFolder(atEnd);
  system = await startSystem(folder, { atEnd });
  gateway = await openGateway({ behind: system });
  atEnd(() => gateway.close());
});
afterAll(async () => {
  for (const end of ends) await end();
});

const ways = {
  "the local system": () => bridgeCommand(["--state-dir", folder]),
  "a signed endpoint"() {
    const { accessKeyId, secretAccessKey } = gateway.admit();
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    return bridgeCommand(["--endpoint", gateway.url, "--region", gateway.region], env);
  },
};

describe.each(Object.entries(ways))("%s through the bridge", (_, way) => {
  test.each(revisions)("runs a task for a client of %s, with progress and errors", async (revision) => {
    const connected = await connectStdio(way(), revision);
    expect((await connected.listTools()).map(({ name }) => name)).toContain("spawn_cloud_agent");
    const client = systemClient(connected);
    const id = await client.command({ command: "echo one; sleep 1; echo two", shell: true });
    const progress: unknown[] = [];
    await connected.call("wait_for_task", { task_id: id, timeout_seconds: 40 }, (told) => progress.push(told));
    expect((await client.ended(id)).status).toBe("succeeded");
    expect(await client.log(id)).toBe("one\ntwo\n");
    expect(progress.length).toBeGreaterThan(0);
    const missing = await connected.call("get_task_status", { task_id: `task_${"0".repeat(32)}` });
    expect(problemOf(missing)).toMatchObject({ code: "task.not_found" });
  });
});

test("whoever may not call the gateway learns what to do from the first answer", async () => {
  const { accessKeyId, secretAccessKey } = gateway.admit("not-allowed");
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const refused = connectStdio(
    bridgeCommand(["--endpoint", gateway.url, "--region", gateway.region], env),
    "2025-11-25",
  );
  await expect(refused).rejects.toThrow(/execute-api:Invoke/);
  const elsewhere = connectStdio(
    bridgeCommand(["--endpoint", gateway.url, "--region", "eu-west-1"], env),
    "2025-11-25",
  );
  await expect(elsewhere).rejects.toThrow(/--region/);
});
