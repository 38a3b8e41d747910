import type { Json } from "../../../lib/contract/task.ts";
import { startCuttingProxy } from "../../emulators/cutting-proxy.ts";
import { bareCaller, command, openEndpoint } from "../../mcp/clients.ts";
import { openPorts } from "../../mcp/ports.ts";
import { Chance } from "../../storms/random.ts";
import { BridgeProcess } from "./bridge-process.ts";

/** The real endpoint on a store of its own, for all runs of a test. */
async function openFaultTarget() {
  const ports = openPorts();
  return { url: await openEndpoint({ ports }), caller: bareCaller({ ports }) };
}
type Target = Awaited<ReturnType<typeof openFaultTarget>>;

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "faults", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};
const REQUESTS = 12;

/**
 * One client of a bridge behind a network that does what the seed says: a dozen requests at once, in either era, and an end
 * in the middle of them in every fourth run. Resolves with the handles that it got. Throws, with the seed, unless each
 * request was answered once and the bridge ended with 0.
 */
async function runFaults(seed: number, { url }: Target): Promise<Handle[]> {
  const chance = new Chance(seed);
  const ends: (() => void | Promise<void>)[] = [];
  try {
    const proxy = await startCuttingProxy(url, { seed });
    ends.push(proxy.close);
    const args = ["--endpoint", proxy.url, "--region", "us-west-2"];
    const bridge = new BridgeProcess(args, { atEnd: (end) => void ends.push(end) });
    const isModern = chance.is(0.5);
    if (!isModern) {
      const clientInfo = { name: "faults", version: "1" };
      await bridge.ask("initialize", "initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
      bridge.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    }
    const mark = `seed-${seed}-`;
    const requests = Array.from({ length: REQUESTS }, (_, id) => request(id, chance, `${mark}${id}`));
    for (const { method, params, id } of requests) {
      bridge.send({ jsonrpc: "2.0", id, method, params: { ...params, _meta: metaOf(params, isModern, id) } });
    }
    const endsEarly = seed % 4 === 0;
    if (endsEarly) bridge.child.stdin?.end();
    await Promise.all(requests.map(({ id }) => bridge.answer(id)));
    const code = await bridge.end();
    if (code !== 0) throw new Error(`the bridge ended with ${code}: ${bridge.err}`);
    for (const { id } of requests) {
      const answers = bridge.messages.filter((message) => message.id === id);
      if (answers.length !== 1) throw new Error(`${answers.length} answers to ${id}: ${JSON.stringify(answers)}`);
    }
    return bridge.messages.flatMap((message) => handleOf(message, requests));
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

type Asked = { id: number; method: string; params: Json };

function request(id: number, chance: Chance, mark: string): Asked {
  const call = (name: string, args: Json = {}) => ({ id, method: "tools/call", params: { name, arguments: args } });
  const kinds = [
    () => call("dispatch_task", command({ input: { command: "true", args: [mark] } })),
    () => call("list_tasks"),
    () => call("get_task_status", { task_id: `task_${"0".repeat(32)}` }),
    () => call("a2a_send", { task_id: `task_${"0".repeat(32)}`, message: "hello" }),
    () => ({ id, method: "tools/list", params: {} }),
  ];
  // Every run dispatches.
  return (id % 3 === 0 ? kinds[0] : chance.pick(kinds))?.() ?? call("list_providers");
}

const metaOf = (params: Json, isModern: boolean, id: number): Json => ({
  ...(isModern && META),
  ...(params.name === "list_tasks" && { progressToken: id }),
});

/** The task that the dispatch with that mark was told of. */
type Handle = { mark: string; taskId: string };

function handleOf({ id, result }: Json, requests: Asked[]): Handle[] {
  const { params } = requests.find((one) => one.id === id) ?? {};
  const { taskId } = (result as { structuredContent?: { taskId?: string } } | undefined)?.structuredContent ?? {};
  if (params?.name !== "dispatch_task" || taskId === undefined) return [];
  return [{ mark: (params.arguments as { input: { args: string[] } }).input.args[0] ?? "", taskId }];
}

/**
 * Runs the seeds from `first` on, a few at a time, against one endpoint; gives what went wrong. In the end no dispatch may have
 * made two tasks, and each handle must be that of the task that its dispatch made.
 */
export async function faultsOf(first: number, count: number): Promise<string[]> {
  const target = await openFaultTarget();
  const failed: string[] = [];
  const handles: Handle[] = [];
  let next = first;
  const work = async () => {
    while (next < first + count)
      await runFaults(next++, target).then(
        (got) => handles.push(...got),
        (error: Error) => failed.push(error.message),
      );
  };
  await Promise.all([work(), work(), work(), work()]);
  const made = await tasksByMark(target);
  for (const [mark, ids] of made) if (ids.length > 1) failed.push(`${mark} made ${ids.length} tasks`);
  for (const { mark, taskId } of handles)
    if (made.get(mark)?.[0] !== taskId) failed.push(`${mark} was told of ${taskId}, and made ${made.get(mark)}`);
  if (handles.length < count) failed.push(`only ${handles.length} dispatches were answered with a handle`);
  return failed;
}

async function tasksByMark({ caller }: Target): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (let cursor: unknown; ; ) {
    const args: Json = { limit: 100, ...(cursor !== undefined && { cursor }) };
    const page = (await caller.call("list_tasks", args)).structured as { items: { id: string }[]; cursor?: string };
    for (const { id } of page.items) {
      const record = (await caller.call("get_task_status", { task_id: id })).structured as {
        input: { args: string[] };
      };
      const mark = record.input.args[0] ?? "";
      found.set(mark, [...(found.get(mark) ?? []), id]);
    }
    cursor = page.cursor;
    if (cursor === undefined) return found;
  }
}
