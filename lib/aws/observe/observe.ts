import { AsyncLocalStorage } from "node:async_hooks";
import type { Logger, LogLevel } from "../../contract/logger.ts";
import { say } from "../../contract/observation/decision.ts";
import type { Facts, Observer } from "../../contract/observation/observer.ts";
import { traceIdOf } from "../../contract/observation/trace.ts";
import { functionCounts } from "./counts.ts";
import { functionLogger } from "./lines.ts";

/** What Lambda's runtime says of the trace of the event that it hands over. */
const TRACE_OF_EVENT = "_X_AMZN_TRACE_ID";

export type Observation = {
  log: Logger;
  observe: Observer;
  /** Does the work of one event: its request id is in each line. */
  inRequest<T>(requestId: string, work: () => T): T;
};

type Known = { requestId?: string | undefined; facts?: Facts | undefined };

/**
 * What a function says of its work, by Powertools for AWS Lambda: lines of its log, metrics, and, where its trace is sampled,
 * spans. To load the tracer takes as long as to load the function: so the first event of an environment, which somebody waits
 * for, sends no span, and the first that does loads it while it waits for its services.
 * https://docs.aws.amazon.com/powertools/typescript/latest/
 */
export function openObservation(options: { level: LogLevel; version: string }): Observation {
  const under = new AsyncLocalStorage<Known>();
  const log = functionLogger({ ...options, known: () => fieldsOf(under.getStore() ?? {}) });
  const count = functionCounts();
  let isFirst = true;
  const observe: Observer = {
    during: (facts, work) =>
      under.run({ ...under.getStore(), facts: { ...facts } }, async () => {
        const isSampled = process.env[TRACE_OF_EVENT]?.includes("Sampled=1") ?? false;
        const isSpanned = isSampled && !isFirst;
        isFirst = false;
        if (!isSpanned) return work();
        const [startedAtMs, loading] = [Date.now(), import("./spans.ts")];
        // It is awaited below, and must not be nobody's before.
        loading.catch(() => {});
        let hasFailed = true;
        try {
          const result = await work();
          hasFailed = false;
          return result;
        } finally {
          const known = under.getStore()?.facts ?? facts;
          await loading
            .then(({ sendSpan }) => sendSpan({ facts: known, startedAtMs, hasFailed }))
            .catch((error) => log.warn("a span could not be sent", { error }));
        }
      }),
    about({ id, owner, trace }) {
      const { facts } = under.getStore() ?? {};
      if (facts?.taskId === id) Object.assign(facts, { owner, trace });
    },
    decided(decision) {
      say(log, decision);
      count(decision);
    },
  };
  return { log, observe, inRequest: (requestId, work) => under.run({ requestId }, work) };
}

function fieldsOf({ requestId, facts }: Known) {
  const { trace, ...known }: Partial<Facts> = facts ?? {};
  return { requestId, ...known, ...(trace !== undefined && { traceId: traceIdOf(trace) }) };
}
