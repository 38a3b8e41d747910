import { readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect } from "node:net";

/** One request as it goes out; a header that is undefined is left out. */
export type Sent = {
  method?: string;
  path: string;
  headers: Record<string, string | undefined>;
  body?: string;
  /** Whether the length of the body is not announced. */
  chunked?: boolean;
};
export type Answer = { status: number; type: string; text: string };

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/** Sends a request that is HTTP at least. Resolves with undefined when the connection was closed instead of an answer. */
export function send(port: number, { method = "POST", path, headers, body = "", chunked = false }: Sent) {
  return new Promise<Answer | undefined>((resolve) => {
    const present = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const length = chunked ? [] : [["content-length", String(Buffer.byteLength(body))] as const];
    const sent = request(
      { host: "127.0.0.1", port, method, path, agent, headers: Object.fromEntries([...length, ...present]) },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        const done = () =>
          resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", text });
        response.once("end", done).once("error", done);
      },
    );
    sent.once("error", () => resolve(undefined));
    sent.end(body);
  });
}

/** Closes the connections that are kept, so that they do not count as open handles. */
export const hangUp = () => agent.destroy();

/** Writes bytes to a connection of their own and resolves with all that comes back until it is closed. */
export function sendRaw(port: number, bytes: string | Buffer, { end = true } = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => {});
    socket.once("close", () => resolve(text));
    if (end) socket.end(bytes, "latin1");
    else socket.write(bytes, "latin1");
  });
}

/** Calls `work` for all items, at most `width` at the same time. */
export async function forAll<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items.values();
  const line = async () => {
    for (const item of iterator) await work(item);
  };
  await Promise.all(Array.from({ length: width }, line));
}

/** Splits what came over a connection of one's own into status and body. */
export function parseRaw(text: string): Answer {
  const [head = "", body = ""] = text.split("\r\n\r\n");
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]),
    type: /^content-type: (.*)$/im.exec(head)?.[1] ?? "",
    text: /^transfer-encoding: chunked/im.test(head) ? (body.split("\r\n")[1] ?? "") : body,
  };
}

/** What no answer says: a stack, a place in the code, an internal error. */
export const betrays = ({ status, text }: Answer): boolean =>
  status >= 500 || /\n\s+at |node:|\.ts\b|node_modules|-32603|worker\.internal|platform\.internal/.test(text);

/** Resident memory in MB and the number of open files of a process. */
export function usage(pid: number): { residentMb: number; files: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    residentMb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    files: readdirSync(`/proc/${pid}/fd`).length,
  };
}
