import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { DispatchError } from "../../contract/errors.ts";
import type { Logger } from "../../contract/logger.ts";
import type { Patience } from "./patience.ts";

/** Which system is meant, as a person or a configuration names it. */
export type Target =
  | {
      /** The address of its MCP endpoint. */
      endpoint: string;
      /** What requests are signed for, where the host does not say it: a region and `execute-api`, `lambda` or another. */
      region?: string;
      service?: string;
      profile?: string;
    }
  | {
      /** The name of a CloudFormation stack, whose output `Endpoint` is the address. */
      stack: string;
      region?: string;
      service?: string;
      profile?: string;
    }
  | { local: LocalPlace };

/** Which local system: by its state folder, or by the configuration file that names it. */
export type LocalPlace = { config?: string; stateDir?: string };

/** Where a local system listens, and the bearer token that opens it. */
export type LocalAddress = { url: string; token: string };

/** A request as it goes out, whole: a signature covers its body. Names of headers are in small letters. */
export type Outgoing = { method: string; url: URL; headers: Record<string, string>; body: Uint8Array };

/** An answer that is not the protocol's: from a gateway, a proxy, or a door that stayed closed. */
export type Refusal = { status: number; headers: Record<string, string>; text: string };

/** What a door may have remembered that was refused: what opens it, or where it is. */
export type Remembered = "key" | "address";

/** What did not open the endpoint: where it was asked, and the headers that were to open it. */
export type Refused = { url?: URL | undefined; opening?: Record<string, string> };

/** The way to one endpoint: where it is, and what opens it. Nothing is read or asked before the first use. */
export interface Door {
  /** Its name in messages: an address without a query, a stack, or the local system. */
  readonly name: string;
  /** Where it is now. Throws DispatchError with a hint that says what to do. */
  locate(): Promise<URL>;
  /** The headers that open it for exactly this request. Throws DispatchError (`endpoint.unauthenticated` mostly). */
  authorize(request: Outgoing): Promise<Record<string, string>>;
  /**
   * Forgets what was refused; whether another try may go otherwise. What has been renewed since it was `refused` is kept.
   */
  renew(what: Remembered, refused?: Refused): Promise<boolean>;
  /** What a refusal means at this door, and what to do about it. */
  explain(refusal: Refusal): DispatchError;
}

export type DoorOptions = {
  /** The local system of that place, found or started; undefined when none runs. */
  findLocal(place: LocalPlace): Promise<LocalAddress | undefined>;
  /** The environment that says credentials and regions, as AWS names them; by default that of this process. */
  env?: Readonly<Record<string, string | undefined>>;
};

/** What is posted: one JSON-RPC message, and the headers that the protocol wants beside it, their names in small letters. */
export type Posted = { headers: Record<string, string>; body: Uint8Array };

export type PostOptions = {
  /** Aborting it destroys the request, and the answer too while it is read. */
  signal?: AbortSignal | undefined;
  /** Whether the same request may arrive twice: it only reads, or carries an idempotency key. */
  mayRepeat: boolean;
  /** The idempotency key that it carries: given up after it may have arrived, it is `endpoint.answer_lost`, which names the key. */
  key?: string | undefined;
  /** Whether it may have arrived already, in a try before. */
  mayHaveArrived?: boolean | undefined;
  /** How long to try again; one is shared by requests that are made for the same call. */
  patience?: Patience | undefined;
  log?: Pick<Logger, "debug"> | undefined;
};

/** An answer of the protocol, of any status, whose body arrives as it is read. */
export type Answer = { status: number; headers: IncomingHttpHeaders; body: Readable };

/**
 * Posts a message to the endpoint behind a door. Resolves with its answer, of any status, as soon as that begins. Connections
 * that could not be made are tried again, and whatever else passes where the request may be repeated. Throws DispatchError:
 * for an answer that is not the endpoint's own one of the family `endpoint.*`, whose hint says what to do.
 */
export type Post = (door: Door, posted: Posted, options: PostOptions) => Promise<Answer>;
