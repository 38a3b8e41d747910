import type { Json } from "../../lib/contract/task.ts";
import { type AtEnd, connect, type Identity, type Revision, type TestClient } from "../mcp/clients.ts";
import { cloudAbout, onAws } from "../system/cloud-under-test.ts";
import { systemClient } from "../system/system.ts";
import { guardedFetch } from "./guarded-fetch.ts";
import { doorOf, type Run } from "./run.ts";

/** A deployed stack as the shared suites need it, whose caller has other tasks as well. */
export async function liveUnderTest(run: Run) {
  const door = doorOf(run);
  const url = String(await door.locate());
  const identity: Identity = guardedFetch({ ...run, door });
  const place = onAws("session", { backend: "agentcore" });

  async function connectAs(revision: Revision, atEnd: AtEnd) {
    const connected = await connect(url, revision, identity, atEnd);
    const client = systemClient(onlyOwn(connected), { place, atEnd });
    return { client, listTools: connected.listTools };
  }

  return {
    url,
    identity,
    place,
    about: cloudAbout,
    async open({ atEnd }: { atEnd: AtEnd }) {
      const { client } = await connectAs("2026-07-28", atEnd);
      return { client, connect: (revision: Revision) => connectAs(revision, atEnd) };
    },
    read: async (uri: string) => {
      const answer = await fetch(uri);
      if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
      return Buffer.from(await answer.arrayBuffer());
    },
  };
}

/** The tools, where a list holds what was dispatched by them alone: the owner has other tasks. */
function onlyOwn(client: TestClient): TestClient {
  const own = new Set<unknown>();
  return {
    ...client,
    async call(name, args, onProgress) {
      const reply = await client.call(name, name === "list_tasks" ? { limit: 100, ...args } : args, onProgress);
      if (reply.structured?.taskId !== undefined) own.add(reply.structured.taskId);
      const items = reply.structured?.items as Json[] | undefined;
      if (name !== "list_tasks" || !items) return reply;
      return { ...reply, structured: { items: items.filter(({ id }) => own.has(id)) } };
    },
  };
}
