import { buffer, text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Target } from "../../../lib/client/http/door.ts";
import { ClarificationError, type Client, createClient, DispatchError } from "../../../lib/client/sdk/index.ts";
import type { ToolArguments } from "../../../lib/contract/tools/index.ts";
import { type Cut, startCuttingProxy } from "../../emulators/cutting-proxy.ts";

/** A system that a client is held against. */
export type ClientUnderTest = {
  target: Target;
  /** Where commands run. */
  place: Pick<ToolArguments<"dispatch_task">, "provider" | "account_profile" | "backend" | "target">;
  /** The same system behind an address that is in between. */
  behind(url: string): { target: Target } | { client: Client };
  /** Where its endpoint is. */
  url: string;
};

/** What a client promises, wherever the system is. */
export function clientSuite(open: () => Promise<ClientUnderTest>): void {
  let system: ClientUnderTest;
  let client: Client;
  beforeAll(async () => {
    system = await open();
    client = createClient(system.target);
  });
  afterAll(() => client?.close());

  const command = (line: string): ToolArguments<"dispatch_task"> => ({
    capability: "agent-runtime",
    task_type: "command.run",
    input: { command: line, shell: true },
    ...system.place,
  });

  test("a task is followed from its dispatch to its result and its files", async () => {
    const files = "printf 0123456789 > $AGENTDISPATCH_ARTIFACTS_DIR/digits.txt";
    const task = await client.dispatch(command(`echo one; echo two >&2; ${files}; echo three`));
    expect(task.handle).toMatchObject({ taskId: task.id, capability: "agent-runtime" });
    const events = [];
    for await (const event of task.events()) events.push(event);
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(["task.started", "task.log"]));
    expect(events.at(-1)?.type).toBe("task.succeeded");
    const sequences = events.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    const later = [];
    for await (const { sequence } of task.events({ after: sequences[1] })) later.push(sequence);
    expect(later).toEqual(sequences.slice(2));

    expect(await task.status()).toMatchObject({ id: task.id, status: "succeeded" });
    expect(await task.wait()).toMatchObject({ status: "succeeded" });
    expect((await text(task.logs())).split("\n").sort()).toEqual(["", "one", "three", "two"]);
    expect(await task.result()).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
    const [artifact] = await task.artifacts();
    expect(artifact).toMatchObject({ name: "digits.txt", sizeBytes: 10 });
    expect(await text(task.artifact("digits.txt").stream())).toBe("0123456789");
    expect(
      await text(
        client
          .task(task.id)
          .artifact(artifact?.id ?? "")
          .stream(),
      ),
    ).toBe("0123456789");
    await expect(buffer(task.artifact("letters.txt").stream())).rejects.toMatchObject({ code: "artifact.not_found" });
  });

  test("what a task writes is read while it runs, from a cursor on, until it has ended", async () => {
    const task = await client.dispatch(command("echo first; sleep 2; echo last"));
    const pieces: string[] = [];
    const statuses: string[] = [];
    for await (const piece of task.logs({ follow: true })) {
      if (pieces.length === 0) statuses.push((await task.status()).status);
      pieces.push(piece);
    }
    expect(pieces.join("")).toBe("first\nlast\n");
    expect(statuses).toEqual(["running"]);
    expect(await text(task.logs({ cursor: "first\n".length }))).toBe("last\n");
  });

  test("a result that is too long for a reply comes whole, unless a preview is asked for", async () => {
    const instruction = `${"A long word. ".repeat(8000)}The end.`;
    const { provider, account_profile, target } = system.place;
    const task = await client.spawn({ instruction, framework: "echo", provider, account_profile, target });
    expect(await task.wait()).toMatchObject({ status: "succeeded" });
    const whole = await task.result();
    expect(JSON.stringify(whole.result).includes(instruction)).toBe(true);
    expect(whole).not.toHaveProperty("previews");
    const preview = await task.result({ preview: true });
    expect(preview).toMatchObject({ previews: ["result"], resultRef: whole.resultRef });
    expect(JSON.stringify(preview.result).length).toBeLessThan(instruction.length / 2);
  });

  test("a spawn that lacks something says what", async () => {
    const lacking = client.spawn({ instruction: " ", runtime: "nobody's" });
    await expect(lacking).rejects.toBeInstanceOf(ClarificationError);
    await expect(lacking).rejects.toMatchObject({
      code: "input.invalid",
      issues: [{ path: "instruction" }, { path: "runtime" }],
      clarification: { retry_tool: "spawn_cloud_agent" },
    });
  });

  test("what there is can be asked for", async () => {
    expect(await client.runtimes()).toEqual(
      expect.arrayContaining([{ name: expect.any(String), provider: system.place.provider }]),
    );
    expect((await client.accounts()).map(({ name }) => name)).toContain(system.place.account_profile);
    expect((await client.capabilities()).length).toBeGreaterThan(0);
    expect(await client.check({ live: false })).toMatchObject({ provider: system.place.provider });
  });

  test("a task that runs is cancelled, and waiting for it can be given up or bounded", async () => {
    const task = await client.dispatch(command("echo started; sleep 300"));
    for await (const _ of task.logs({ follow: true })) break;
    expect(await task.wait({ timeoutMs: 100 })).toMatchObject({ status: "running" });
    const giveUp = new AbortController();
    const given = { signal: giveUp.signal };
    const waits = [task.wait(given), text(task.logs({ follow: true, ...given })), drained(task.events(given))];
    setTimeout(() => giveUp.abort(), 50);
    for (const wait of waits) await expect(wait).rejects.toMatchObject({ name: "AbortError" });
    expect(await task.cancel()).toMatchObject({ taskId: task.id });
    expect(await task.wait()).toMatchObject({ status: "cancelled" });
    await expect(task.cancel()).rejects.toMatchObject({ code: "task.terminal", retryable: false });
  });

  test("tasks are listed one by one, however many there are", async () => {
    const sent = await Promise.all([1, 2, 3].map(() => client.dispatch(command("true"))));
    await Promise.all(sent.map((task) => task.wait()));
    const seen = new Set<string>();
    for await (const { id, status } of client.tasks({ status: "succeeded" })) {
      expect(status).toBe("succeeded");
      seen.add(id);
    }
    for (const { id } of sent) expect(seen).toContain(id);
  });

  test("an error says its code, whether it passes, and what to do", async () => {
    const unknown = client.task(`task_${"0".repeat(32)}`);
    await expect(unknown.status()).rejects.toBeInstanceOf(DispatchError);
    await expect(unknown.result()).rejects.toMatchObject({
      code: "task.not_found",
      retryable: false,
      hint: expect.any(String),
    });
    await expect(drained(unknown.events())).rejects.toMatchObject({ code: "task.not_found" });
  });

  const cuts: Cut[] = [
    "none",
    "cut-after",
    "502-before",
    "cut-before",
    "mid-stream",
    "none",
    "502-after",
    "mid-stream",
  ];
  test("nothing is lost or done twice on a connection that breaks", async () => {
    const proxy = await startCuttingProxy(system.url, { plan: ["cut-after", ...cuts, ...cuts] });
    onTestFinished(() => proxy.close());
    const behind = system.behind(proxy.url);
    const other = "client" in behind ? behind.client : createClient(behind.target);
    onTestFinished(() => other.close());
    const key = `key-${Date.now()}`;
    const task = await other.dispatch({
      ...command("for i in 1 2 3; do echo $i; sleep 0.3; done"),
      idempotency_key: key,
    });
    const lines: string[] = [];
    for await (const { type, message = "" } of task.events()) if (type === "task.log") lines.push(message);
    expect(lines.join("")).toBe("1\n2\n3\n");
    expect(await text(task.logs())).toBe("1\n2\n3\n");
    expect(proxy.happened["cut-after"]).toBeGreaterThan(1);
    const again = await client.dispatch({
      ...command("for i in 1 2 3; do echo $i; sleep 0.3; done"),
      idempotency_key: key,
    });
    expect(again.id).toBe(task.id);
  });

  test("closing ends what is under way", async () => {
    const other = createClient(system.target);
    const task = await other.dispatch(command("sleep 300"));
    const wait = task.wait();
    const ended = expect(wait).rejects.toMatchObject({ code: "endpoint.closed" });
    await other.close();
    await ended;
    await client.task(task.id).cancel();
  });
}

async function drained(iterable: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of iterable);
}
