import manifest from "../../../package.json" with { type: "json" };
import { RefusedError } from "../../contract/errors.ts";
import { isObject } from "../../contract/json.ts";
import type { Door, PostOptions } from "./door.ts";
import { brokenAnswer } from "./failure.ts";
import { messagesOf } from "./messages.ts";
import { post } from "./post.ts";

const REVISION = "2026-07-28";

/**
 * The version that an endpoint says of itself. Throws DispatchError where it does not answer as one.
 * https://modelcontextprotocol.io/specification/2026-07-28/server/discover
 */
export async function serverVersion(door: Door, options: Pick<PostOptions, "signal"> = {}): Promise<string> {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": REVISION,
    "io.modelcontextprotocol/clientInfo": { name: "agent-dispatch", version: manifest.version },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const message = { jsonrpc: "2.0", id: 1, method: "server/discover", params: { _meta } };
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": REVISION,
    "mcp-method": "server/discover",
  };
  const answer = await post(
    door,
    { headers, body: Buffer.from(JSON.stringify(message)) },
    { ...options, mayRepeat: true },
  );
  try {
    for await (const { result } of messagesOf(answer)) {
      const info = isObject(result)
        ? (result.serverInfo ?? (isObject(result._meta) && result._meta["io.modelcontextprotocol/serverInfo"]))
        : undefined;
      if (isObject(info) && typeof info.version === "string") return info.version;
    }
  } catch (error) {
    throw brokenAnswer(door, answer, error);
  }
  throw new RefusedError("endpoint.failed", `${door.name} does not say who it is`, {
    hint: "look at the address: it has to be that of an endpoint of agent-dispatch",
  });
}
