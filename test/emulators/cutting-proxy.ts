import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { Chance } from "../storms/random.ts";
import { listen } from "./requests/listen.ts";

/**
 * What can happen to a request: nothing; it arrives late; its connection is cut before it arrived, or after it was carried
 * out; a gateway answers 502 in either case; or the answer breaks off in the middle.
 */
export const cuts = ["none", "delay", "cut-before", "cut-after", "502-before", "502-after", "mid-stream"] as const;
export type Cut = (typeof cuts)[number];

type Options = {
  /** What happens to the first requests, one after the other; nothing happens to those that follow. */
  plan?: readonly Cut[];
  /** Or by chance: the same for the same seed, to that share of the requests, and to connections that are just made. */
  seed?: number;
  share?: number;
};

/** Longest delay, in ms. */
const LONGEST_MS = 60;

/** Stands between a client and an endpoint with plain HTTP, and lets happen to requests what a network does to them. */
export async function startCuttingProxy(target: string, { plan = [], seed, share = 0.4 }: Options) {
  const { origin, pathname } = new URL(target);
  const chance = new Chance(seed ?? 0);
  const planned = [...plan];
  const happened: Record<Cut | "refused", number> = Object.assign({ refused: 0 }, ...cuts.map((cut) => ({ [cut]: 0 })));
  let healed = false;

  const next = (): Cut => {
    if (seed === undefined) return planned.shift() ?? "none";
    return !healed && chance.is(share) ? (chance.pick(cuts.slice(1)) ?? "none") : "none";
  };

  const server = createServer(async (incoming, response) => {
    const cut = next();
    happened[cut] += 1;
    // A client that has left is no concern of the proxy.
    await pass(cut, incoming, response).catch(() => response.destroy());
  });
  server.on("connection", (socket) => {
    if (seed === undefined || healed || !chance.is(share / 8)) return;
    happened.refused += 1;
    socket.resetAndDestroy();
  });

  async function pass(cut: Cut, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    // Also before its body was read, as a proxy that restarts does it.
    if (cut === "cut-before" && chance.is(0.5)) return end(response);
    const body = await buffer(incoming);
    if (cut === "cut-before") return end(response);
    if (cut === "502-before") return badGateway(response);
    if (cut === "delay") await delay(chance.between(1, LONGEST_MS));
    const answer = await forward(incoming, body, response);
    if (cut === "cut-after" || cut === "502-after") {
      await buffer(answer);
      return cut === "cut-after" ? end(response) : badGateway(response);
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    await passBody(answer, response, cut === "mid-stream" ? chance.between(0, 2) : undefined);
  }

  /** Hands on an answer; or only so many parts of it, and half of the next. */
  async function passBody(answer: IncomingMessage, response: ServerResponse, parts: number | undefined) {
    let kept: Buffer | undefined;
    for await (const part of answer) {
      if (kept) response.write(kept);
      kept = part;
      if (parts !== undefined && parts-- === 0) break;
    }
    if (parts === undefined) return void response.end(kept);
    if (!kept) return end(response);
    response.write(kept.subarray(0, kept.length / 2), () => end(response));
  }

  function end({ socket }: ServerResponse): void {
    if (chance.is(0.5)) socket?.destroy();
    else socket?.resetAndDestroy();
  }

  function forward(incoming: IncomingMessage, body: Buffer, response: ServerResponse): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { method, url = "/", headers } = incoming;
      const asked = request(new URL(url, origin), { method, headers, agent: false }, resolve);
      asked.on("error", reject);
      response.once("close", () => asked.destroy());
      asked.end(body);
    });
  }

  const { endpoint, close } = await listen(server);
  return {
    url: `${endpoint}${pathname}`,
    happened,
    /** From now on nothing happens any more. */
    heal: () => {
      healed = true;
      planned.length = 0;
    },
    close,
  };
}

/** As API Gateway words it. */
const badGateway = (response: ServerResponse) =>
  void response
    .writeHead(502, { "content-type": "application/json", "x-amzn-errortype": "InternalServerErrorException" })
    .end('{"message": "Internal server error"}');
