import { randomHex } from "../task-id.ts";

/**
 * A trace as W3C Trace Context writes it: version, trace id, id of the span that asks, flags.
 * https://www.w3.org/TR/trace-context/#traceparent-header
 */
export const traceparentPattern = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The same of any version: what a later one adds comes behind a dash. */
const anyVersion = /^(?!ff)[0-9a-f]{2}(-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?:-|$)/;

/** A name that a job finds its trace under: https://opentelemetry.io/docs/specs/otel/context/env-carriers/ */
export const TRACEPARENT = "TRACEPARENT";

/** Where a caller may say to which trace its call belongs. */
type Said = {
  /** `_meta` of the message: https://modelcontextprotocol.io/community/seps/414-request-meta */
  meta?: unknown;
  /** The header of HTTP. */
  traceparent?: string | null;
  /**
   * That of AWS, which API Gateway adds where it is missing:
   * https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
   */
  amazon?: string | null;
};

/**
 * The trace that a call belongs to, as `traceparent` of version 00: what the message says, then its request, then what AWS made
 * for it. What is none is passed over, as the specification wants it: a call never fails for its trace.
 */
export function traceOf({ meta, traceparent, amazon }: Said): string | undefined {
  const named = typeof meta === "object" && meta !== null ? (meta as { traceparent?: unknown }).traceparent : undefined;
  return fromW3c(named) ?? fromW3c(traceparent) ?? fromAmazon(amazon);
}

function fromW3c(said: unknown): string | undefined {
  const [, fields] = (typeof said === "string" && said.length <= 200 && anyVersion.exec(said)) || [];
  const trace = `00${fields}`;
  return traceparentPattern.test(trace) ? trace : undefined;
}

function fromAmazon(header: string | null | undefined): string | undefined {
  const parts = new Map((header ?? "").slice(0, 500).split(";").map(pair));
  const [, time, rest] = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/.exec(parts.get("root") ?? "") ?? [];
  const parent = parts.get("parent") ?? randomHex(8);
  return fromW3c(`00-${time}${rest}-${parent}-${parts.get("sampled") === "1" ? "01" : "00"}`);
}

function pair(text: string): [name: string, value: string] {
  const [name = "", value = ""] = text.split("=");
  return [name.trim().toLowerCase(), value.trim().toLowerCase()];
}

/** The id that all spans of the trace have, in 32 digits. */
export const traceIdOf = (trace: string): string => trace.slice(3, 35);

/** The same trace as services of AWS write it. */
export function amazonTrace(trace: string): string {
  const [, id = "", parent = "", flags = ""] = trace.split("-");
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  return `Root=1-${id.slice(0, 8)}-${id.slice(8)};Parent=${parent};Sampled=${isSampled ? 1 : 0}`;
}
