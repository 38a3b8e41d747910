/** An endpoint where too many calls wait answers at once, and says when to ask again. */
import { expect, it, onTestFinished } from "vitest";
import type { Client } from "../../../lib/client/sdk/client.ts";
import { clientOf } from "../../../lib/client/sdk/create-client.ts";
import type { Json } from "../../../lib/contract/task.ts";
import { record } from "../replies.ts";
import { fakeEndpoint, fields } from "./fake-endpoint.ts";

const running = { ...record({ id: "a" }), status: "running" };

/** An endpoint that lets nobody wait, and wants to be asked again so many seconds later; with the calls of each tool. */
async function crowded(askAgainSeconds: number) {
  const calls: Record<string, number> = {};
  const crowding = { askAgainSeconds };
  const answers: Record<string, Json> = {
    wait_for_task: { ...running, timedOutWaiting: true, ...crowding },
    get_task_logs: { taskId: "a", cursor: 0, nextCursor: 0, data: "", ...crowding },
    list_providers: { items: [] },
  };
  const server = await fakeEndpoint((tool, args) => {
    calls[tool] = (calls[tool] ?? 0) + 1;
    const events = args.events_after === undefined ? {} : { events: [], eventsNext: 0 };
    return fields(answers[tool] ?? { ...running, ...events });
  });
  const client = clientOf({ local: {} }, { findLocal: async () => server });
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  return { client, calls };
}

/** Whatever asks without a pause has asked again by then. */
async function whileOthersAsk(client: Client): Promise<void> {
  for (let call = 0; call < 20; call++) await client.call("list_providers", {});
}

const following: Record<string, (client: Client, signal: AbortSignal) => Promise<unknown>> = {
  wait: (client, signal) => client.task("a").wait({ signal }),
  logs: async (client, signal) => {
    for await (const _ of client.task("a").logs({ follow: true, signal })) throw new Error("there is no text");
  },
  events: async (client, signal) => {
    for await (const _ of client.task("a").events({ signal })) throw new Error("there are no events");
  },
};

it.each(Object.entries(following))("%s asks no sooner", async (_, follow) => {
  const { client, calls } = await crowded(3600);
  const over = new AbortController();
  const ended = follow(client, over.signal);
  ended.catch(() => {});
  await expect.poll(() => (calls.wait_for_task ?? 0) + (calls.get_task_logs ?? 0)).toBeGreaterThan(0);
  await whileOthersAsk(client);
  expect(calls.wait_for_task ?? 1).toBe(1);
  expect(calls.get_task_logs ?? 1).toBe(1);
  over.abort();
  await expect(ended).rejects.toMatchObject({ name: "AbortError" });
});

it.each(Object.entries(following))("%s asks again then", async (_, follow) => {
  const { client, calls } = await crowded(0.01);
  const over = new AbortController();
  const ended = follow(client, over.signal);
  ended.catch(() => {});
  await expect.poll(() => Math.max(calls.wait_for_task ?? 0, calls.get_task_logs ?? 0)).toBeGreaterThan(3);
  over.abort();
  await expect(ended).rejects.toMatchObject({ name: "AbortError" });
});
