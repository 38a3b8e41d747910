import type { Server, ServerCapabilities } from "@modelcontextprotocol/server";
import type { JsonObject } from "../contract/json.ts";
import type { Logger } from "../contract/logger.ts";
import type { Caller } from "../engine/service.ts";

/** What is known of one message before its handler sees it. */
export type Scope = {
  /** Whose tasks these are, and which of them. */
  caller: Caller;
  /** The trace that it belongs to. */
  trace?: string | undefined;
  /** `legacy` is any revision of 2025, `modern` is 2026-07-28. */
  era: "legacy" | "modern";
  /** The revision that the request's header names; clients of some revisions send none. */
  revision: string | null;
  /** A call as it arrived: the SDK's own parsing would drop what has to be refused by name. */
  call: {
    arguments: JsonObject;
    /** Whether it may be answered with a task of MCP. */
    takesTask?: boolean;
  };
  log: Logger;
};

/** A part of the protocol: what it declares, and the handlers of its methods. */
export type Feature = {
  capabilities(scope: Scope): ServerCapabilities;
  register(server: Server, scope: Scope): void;
};
