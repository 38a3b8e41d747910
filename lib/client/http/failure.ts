import { DispatchError, RefusedError, RetryableError } from "../../contract/errors.ts";
import type { Answer, Door } from "./door.ts";
import type { ConnectionFailure } from "./request.ts";

type Said = { message: string; hint: string };

const network = "look at the network, a VPN or a firewall between here and there";
const certificate: Said = {
  message: "has a certificate that this machine does not trust",
  hint: "if a proxy of your company stands between, name its certificate in NODE_EXTRA_CA_CERTS",
};

/** By the codes of Node and of OpenSSL: https://nodejs.org/api/errors.html#common-system-errors */
const known: Readonly<Record<string, Said>> = {
  ECONNREFUSED: {
    message: "refuses connections",
    hint: "look whether it runs, and on which port; and the proxy, if HTTPS_PROXY names one",
  },
  ENOTFOUND: {
    message: "has a host that nobody knows",
    hint: "look at the address: a stack that was made again has another one",
  },
  EAI_AGAIN: { message: "has a host that cannot be looked up now", hint: network },
  EHOSTUNREACH: { message: "cannot be reached", hint: network },
  ENETUNREACH: { message: "cannot be reached", hint: network },
  ETIMEDOUT: { message: "does not answer", hint: network },
  ERR_PROXY_TUNNEL: {
    message: "is not reached through the proxy that HTTPS_PROXY names",
    hint: "look at that proxy and its password, or name the host in NO_PROXY",
  },
  CERT_HAS_EXPIRED: certificate,
  DEPTH_ZERO_SELF_SIGNED_CERT: certificate,
  SELF_SIGNED_CERT_IN_CHAIN: certificate,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate,
  ERR_TLS_CERT_ALTNAME_INVALID: { message: "has the certificate of another host", hint: "look at the address" },
};

/** What passes by itself no more than a wrong address does. */
const isFinal = (code: string): boolean => code === "ENOTFOUND" || known[code] === certificate || /^ERR_TLS/.test(code);

/** An endpoint to which no connection was made, or which broke it. Retryable unless its address or certificate is wrong. */
export function unreachable(door: Door, failure: ConnectionFailure): DispatchError {
  const { message, hint } = known[failure.code] ?? {
    message: `breaks the connection (${failure.code})`,
    hint: network,
  };
  const error = new RetryableError("endpoint.unreachable", `${door.name} ${message}`, { hint, cause: failure });
  return isFinal(failure.code) ? Object.assign(error, { retryable: false }) : error;
}

/**
 * A request that may have been carried out, whose answer did not come. One that carried an idempotency key can be made again,
 * with no other: under another it would be carried out twice.
 */
export function answerLost(door: Door, cause: unknown, key?: string): DispatchError {
  const look = "the call may have been carried out: look with list_tasks before it is made again";
  return new RefusedError("endpoint.answer_lost", `the answer of ${door.name} was lost on the way`, {
    hint: key === undefined ? look : `${look}, or make it again with exactly this idempotency_key: ${key}`,
    ...(key !== undefined && { details: { idempotencyKey: key } }),
    cause,
  });
}

/** Why an answer of a door could not be read: it is not the protocol (`endpoint.failed`), or broke off (`endpoint.answer_lost`). */
export function brokenAnswer(door: Door, { body }: Answer, error: unknown, key?: string): DispatchError {
  if (error instanceof DispatchError) return error;
  if (error instanceof SyntaxError && body.readableEnded)
    return new RefusedError("endpoint.failed", `${door.name} answered with what is not the protocol`, {
      hint: "look at the address: it has to be that of an MCP endpoint",
      cause: error,
    });
  return answerLost(door, error, key);
}
