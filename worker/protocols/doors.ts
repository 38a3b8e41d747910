import { type Protocol, protocolPaths } from "../../lib/contract/kinds.ts";
import type { Worker } from "../worker.ts";
import type { Door } from "./protocol.ts";

type Spoken = Exclude<Protocol, "http">;

/** Nothing of a protocol is loaded before somebody speaks it. */
const load: Record<Spoken, () => Promise<Door>> = {
  a2a: async () => (await import("./a2a.ts")).a2aDoor(),
  mcp: async () => (await import("./mcp.ts")).mcpDoor(),
  "ag-ui": async () => (await import("./ag-ui.ts")).agUiDoor(),
};

/** Where a worker takes messages beside those of its contract, and what it shows there. */
export type Doors = {
  readonly path: string | undefined;
  readonly pages: readonly string[];
  readonly isJsonRpc: boolean;
  open(): Promise<Door>;
};

/** The doors of a worker: that of its protocol; on a socket, which has no port for each, that of A2A. */
export function openDoors(worker: Worker): Doors {
  const protocol = worker.isShared ? "a2a" : worker.config.protocol;
  if (protocol === "http")
    return {
      path: undefined,
      pages: [],
      isJsonRpc: false,
      open: () => Promise.reject(new Error("no protocol is served")),
    };
  let door: Promise<Door> | undefined;
  const open = () => {
    door ??= load[protocol]();
    return door;
  };
  const pages = protocol === "a2a" && !worker.isShared ? ["/.well-known/agent-card.json"] : [];
  return { path: protocolPaths[protocol], pages, isJsonRpc: protocol !== "ag-ui", open };
}
