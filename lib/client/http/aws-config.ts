import { throughProxy } from "./proxy.ts";

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
