import type * as Http from "node:http";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { codeOf, InvalidInputError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import type { Answer, Outgoing } from "./door.ts";
import { throughProxy } from "./outgoing.ts";

/** An import would evaluate each export of the module, and one of them brings in another client: 60 ms and 13 MB. */
const http = createRequire(import.meta.url)("node:http") as typeof Http;

/** A connection that was not made, or that broke before an answer began. */
export class ConnectionFailure extends Error {
  /** Whether something of the request may have arrived. */
  readonly sent: boolean;
  /** The system's name for it, such as `ECONNREFUSED`. */
  readonly code: string;
  /** Whether nothing was heard for so long that another try would not be waited for. */
  readonly isSilence: boolean;

  constructor(cause: unknown, sent: boolean) {
    super("the connection failed", { cause });
    this.sent = sent;
    this.code = codeOf(cause) ?? "ECONNRESET";
    this.isSilence = sent && this.code === "ETIMEDOUT";
  }
}

export type RequestOptions = {
  signal?: AbortSignal | undefined;
  /** Whether the request may go over a connection that was used before, which the other side may be about to close. */
  mayShare: boolean;
};

/** How long it may take to find the host and to be connected with it. */
const CONNECT_MS = 10_000;
/** How long nothing may be heard, in seconds: a call is answered within 50 s, or tells of its progress meanwhile. */
const SILENCE_SECONDS = 60;
/** How long a connection is kept that nobody uses. */
const KEPT_MS = 30_000;

const plainAgent = new http.Agent({ keepAlive: true, timeout: KEPT_MS });
let tls: Promise<{ request: typeof Http.request; keeping: Http.Agent; single: Http.Agent }> | undefined;

/** TLS takes a while to load, which nobody needs on this machine. */
const loadTls = () => {
  tls ??= import("node:https").then(({ Agent, request }) => ({
    request,
    keeping: new Agent({ keepAlive: true, timeout: KEPT_MS, ...throughProxy }),
    single: new Agent(throughProxy),
  }));
  return tls;
};

/**
 * Sends one request and resolves when its answer begins, whatever that is. Throws ConnectionFailure. Aborting the signal
 * destroys the connection, also while the answer is read.
 */
export async function request(outgoing: Outgoing, { signal, mayShare }: RequestOptions): Promise<Answer> {
  const { method, url, headers, body } = outgoing;
  const isTls = url.protocol === "https:";
  const { request, keeping, single } = isTls
    ? await loadTls()
    : { request: http.request, keeping: plainAgent, single: false as const };
  const silenceMs = readSilenceMs();
  return new Promise((resolve, reject) => {
    let sent = false;
    let answer: Readable | undefined;
    const sending = request(url, {
      method,
      headers: method === "GET" ? headers : { ...headers, "content-length": body.byteLength },
      agent: mayShare ? keeping : single,
      timeout: silenceMs,
      ...(signal && { signal }),
    });
    const giveUp = () => (answer ?? sending).destroy(silence());
    const connecting = setTimeout(giveUp, CONNECT_MS);
    const opened = () => {
      sent = true;
      clearTimeout(connecting);
    };
    sending.once("socket", (socket: Socket) => {
      if (sending.reusedSocket || !socket.connecting) opened();
      else socket.once(isTls ? "secureConnect" : "connect", opened);
    });
    let wasUnread = false;
    sending.on("timeout", () => {
      // Whoever does not read hears nothing, whatever the other side says.
      const isUnread = answer !== undefined && answer.readableLength > 0;
      if (isUnread || wasUnread) sending.socket?.setTimeout(silenceMs);
      else giveUp();
      wasUnread = isUnread;
    });
    sending.on("error", (error) => {
      clearTimeout(connecting);
      reject(new ConnectionFailure(error, sent));
    });
    sending.once("response", (response) => {
      answer = response;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
    });
    sending.end(body);
  });
}

function readSilenceMs(): number {
  const seconds = process.env[environmentVariables.silenceSeconds] || SILENCE_SECONDS;
  if (/^[1-9]\d{0,5}$/.test(String(seconds))) return Number(seconds) * 1000;
  throw new InvalidInputError([
    { path: environmentVariables.silenceSeconds, message: "must be a whole number above 0" },
  ]);
}

const silence = () => Object.assign(new Error("nothing was heard for too long"), { code: "ETIMEDOUT" });
