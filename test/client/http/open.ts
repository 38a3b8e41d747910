import { onTestFinished } from "vitest";
import type { Door, Target } from "../../../lib/client/http/door.ts";
import { openDoor } from "../../../lib/client/http/open-door.ts";
import type { Caller } from "../../aws/callers.ts";
import { openGateway } from "../../emulators/gateway.ts";
import { openEndpoint } from "../../mcp/clients.ts";
import { openPorts } from "../../mcp/ports.ts";

/** A gateway in front of the real MCP endpoint, for the length of a test. */
export async function gatewayBefore(options: Partial<Parameters<typeof openGateway>[0]> = {}) {
  const ports = openPorts();
  const behind = { url: await openEndpoint({ ports }) };
  const gateway = await openGateway({ behind, ...options });
  onTestFinished(() => gateway.close());
  return { gateway, ports, behind };
}

type Env = Record<string, string>;

/** What a caller's environment says; `more` is put over it. */
export const envOf = ({ accessKeyId, secretAccessKey }: Caller, more: Env = {}): Env => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_REGION: "us-west-2",
  ...more,
});

/** A door of somebody who has no local system. */
export const doorTo = (target: Target, env: Env = {}): Door =>
  openDoor(target, { findLocal: async () => undefined, env });
