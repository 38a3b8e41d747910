import type { DispatchError } from "../../contract/errors.ts";

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

/** The way to one endpoint: where it is, and what opens it. Nothing is read or asked before the first use. */
export interface Door {
  /** Its name in messages: an address without a query, a stack, or the local system. */
  readonly name: string;
  /** Where it is now. Throws DispatchError with a hint that says what to do. */
  locate(): Promise<URL>;
  /** The headers that open it for exactly this request. Throws DispatchError (`endpoint.unauthenticated` mostly). */
  authorize(request: Outgoing): Promise<Record<string, string>>;
  /** Forgets what was refused; whether another try may go otherwise. */
  renew(what: Remembered): Promise<boolean>;
  /** What a refusal means at this door, and what to do about it. */
  explain(refusal: Refusal): DispatchError;
}

export type DoorOptions = {
  /** The local system of that place, found or started; undefined when none runs. */
  findLocal(place: LocalPlace): Promise<LocalAddress | undefined>;
};
