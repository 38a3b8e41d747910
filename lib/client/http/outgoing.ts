import { TRACEPARENT, traceparentPattern } from "../../contract/observation/trace.ts";

/**
 * What an agent for https is made with, so that it goes through the proxy that HTTPS_PROXY names, but for what NO_PROXY has, as
 * curl and the AWS command line do. Node before 22.21 and 24.5 takes no notice.
 * https://nodejs.org/api/http.html#built-in-proxy-support
 */
export const throughProxy = { proxyEnv: process.env };

/** How long, in ms, a service of AWS may take to be reached, and to answer. */
const ANSWER_MS = 10_000;

/** What every client of a service of AWS is made with, so that none waits for ever. */
export const clientConfig = {
  requestHandler: {
    connectionTimeout: ANSWER_MS,
    requestTimeout: ANSWER_MS,
    throwOnRequestTimeout: true,
    httpsAgent: throughProxy,
  },
};

/**
 * The header by which a request belongs to the trace that the environment names, if it names one. A call may say more itself.
 * https://opentelemetry.io/docs/specs/otel/context/env-carriers/
 */
export function throughTrace(): { traceparent?: string } {
  const traceparent = process.env[TRACEPARENT];
  return traceparent !== undefined && traceparentPattern.test(traceparent) ? { traceparent } : {};
}
