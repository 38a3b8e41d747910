import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { BudgetOptions } from "../../../lib/system/local/connection-budget.ts";
import { openHttp } from "../../../lib/system/local/http.ts";

const TOKEN = "a".repeat(64);
const LONG_MS = 600_000;

async function open(budget: BudgetOptions) {
  const upload = async (incoming: Request, expected: () => void) => {
    if (incoming.url.endsWith("/genuine")) expected();
    await incoming.arrayBuffer().catch(() => {});
    return Response.json({});
  };
  const door = await openHttp({ token: TOKEN, mcp: async () => Response.json({}), artifacts: upload }, 0, budget);
  onTestFinished(door.close);
  const { port, origin } = new URL(door.url);
  const stranger = async (): Promise<Socket> => {
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => {}).resume();
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    return socket;
  };
  return { origin, stranger };
}

/** The status of GET /health over the agent's connection, and the port of that. */
async function health(origin: string, agent: Agent): Promise<[number | undefined, number | undefined]> {
  const sent = request(`${origin}/health`, { agent, headers: { authorization: `Bearer ${TOKEN}` } });
  const [answer] = (await once(sent.end(), "response")) as [IncomingMessage];
  const port = answer.socket.localPort;
  await once(answer.resume(), "end");
  return [answer.statusCode, port];
}

const oneConnection = () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return agent;
};

describe("connections that say nothing", () => {
  test("700 of them keep nobody out who has the token", async () => {
    const { origin, stranger } = await open({ strangerMs: LONG_MS });
    const before = oneConnection();
    const [, port] = await health(origin, before);
    const silent = await Promise.all(Array.from({ length: 700 }, stranger));
    expect(await health(origin, oneConnection())).toEqual([200, expect.any(Number)]);
    // Who was there before them keeps the connection.
    expect(await health(origin, before)).toEqual([200, port]);
    // One of those allowed made room for the newcomer.
    await expect
      .poll(() => silent.filter(({ closed, readyState }) => !closed && readyState === "open").length)
      .toBe(249);
  });

  test("are closed soon, and one that showed the token is not", async () => {
    const { origin, stranger } = await open({ strangerMs: 100 });
    const agent = oneConnection();
    const [, port] = await health(origin, agent);
    const socket = await stranger();
    const halfSaid = await stranger();
    halfSaid.write("POST /mcp HTTP/1.1\r\nhost: localhost\r\n");
    const wrong = await stranger();
    wrong.write("GET /health HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer wrong\r\n\r\n");
    await expect.poll(() => [socket, halfSaid, wrong].every(({ closed }) => closed)).toBe(true);
    expect(await health(origin, agent)).toEqual([200, port]);
  });

  test.each([
    ["genuine", 200],
    ["forged", undefined],
  ])("an upload to a %s address may, or may not, take its time", async (name, status) => {
    const { origin, stranger } = await open({ strangerMs: 100 });
    const sent = request(`${origin}/artifacts/${name}`, { method: "PUT", headers: { "content-length": 2 } });
    sent.on("error", () => {});
    const answered = once(sent, "response").then(
      ([answer]) => (answer as IncomingMessage).resume().statusCode,
      () => undefined,
    );
    sent.write("a");
    // One that came later has been closed for its silence by then.
    await new Promise((resolve) => sent.once("socket", (socket) => socket.once("connect", resolve)));
    const later = await stranger();
    await expect.poll(() => later.closed).toBe(true);
    sent.end("b");
    expect(await answered).toBe(status);
  });
});
