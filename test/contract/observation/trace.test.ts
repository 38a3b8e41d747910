import { expect, test } from "vitest";
import { amazonTrace, traceIdOf, traceOf, traceparentPattern } from "../../../lib/contract/observation/trace.ts";

const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const other = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const amazon = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

test("what the message says of its trace counts most, then its request, then what AWS made", () => {
  expect(traceOf({ meta: { traceparent: trace }, traceparent: other, amazon })).toBe(trace);
  expect(traceOf({ meta: {}, traceparent: other, amazon })).toBe(other);
  expect(traceOf({ amazon })).toBe("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01");
  expect(traceOf({})).toBeUndefined();
});

test("a trace of AWS that names no parent gets one, and is not sampled unless it says so", () => {
  const made = traceOf({ amazon: "Root=1-5759e988-bd862e3fe1be46a994272793" });
  expect(made).toMatch(/^00-5759e988bd862e3fe1be46a994272793-[0-9a-f]{16}-00$/);
  expect(made).toMatch(traceparentPattern);
});

test.each([
  "",
  "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
  "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
  "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
  "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
  `${trace}\n`,
  `${trace}x`,
  "x".repeat(300),
  7,
  { traceparent: trace },
])("what is no trace is passed over: %j", (said) => {
  expect(traceOf({ meta: { traceparent: said }, traceparent: String(said), amazon: String(said) })).toBeUndefined();
});

test("a later version of the format is read as far as it is known", () => {
  expect(traceOf({ traceparent: trace.replace("00-", "01-").concat("-more") })).toBe(trace);
});

test("the same trace has an id, and a form for services of AWS", () => {
  expect(traceIdOf(trace)).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
  expect(amazonTrace(trace)).toBe("Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1");
  expect(traceOf({ amazon: amazonTrace(other) })).toBe(other);
});
