import { expect, test } from "vitest";
import type { Target } from "../../../lib/client/http/door.ts";
import { type TargetOptions, targetOf } from "../../../lib/client/http/target.ts";

const URL = "https://abc123.execute-api.us-west-2.amazonaws.com/live/mcp";

test.each<[TargetOptions, Record<string, string>, Target]>([
  [{}, {}, { local: {} }],
  [{}, { AGENTDISPATCH_ENDPOINT: URL }, { endpoint: URL }],
  [
    { profile: "dev", region: "eu-west-1" },
    { AGENTDISPATCH_ENDPOINT: URL },
    { endpoint: URL, profile: "dev", region: "eu-west-1" },
  ],
  [{}, { AGENTDISPATCH_STACK: "Team" }, { stack: "Team" }],
  [{ endpoint: URL, service: "lambda" }, { AGENTDISPATCH_STACK: "Team" }, { endpoint: URL, service: "lambda" }],
  [{ stack: "Mine", service: "lambda" }, {}, { stack: "Mine", service: "lambda" }],
  [{ service: "lambda" }, { AGENTDISPATCH_STACK: "Team" }, { stack: "Team", service: "lambda" }],
  [{ stack: "Mine" }, { AGENTDISPATCH_ENDPOINT: URL }, { stack: "Mine" }],
  [{}, { AGENTDISPATCH_ENDPOINT: URL, AGENTDISPATCH_STACK: "Team" }, { endpoint: URL }],
  [{ stateDir: "/tmp/state" }, { AGENTDISPATCH_ENDPOINT: URL }, { local: { stateDir: "/tmp/state" } }],
  [{ config: "my.json" }, { AGENTDISPATCH_STACK: "Team" }, { local: { config: "my.json" } }],
  [{}, { AGENTDISPATCH_ENDPOINT: "", AGENTDISPATCH_STACK: "" }, { local: {} }],
  [
    { region: "eu-west-1" },
    { AGENTDISPATCH_ENDPOINT: "", AGENTDISPATCH_STACK: "Team" },
    { stack: "Team", region: "eu-west-1" },
  ],
])("%j where the environment says %j means %j", (options, env, target) => {
  expect(targetOf(options, env)).toEqual(target);
});

test.each<[TargetOptions, string]>([
  [{ endpoint: URL, stack: "Team" }, "--endpoint and --stack name different systems"],
  [{ endpoint: URL, stateDir: "/tmp/state" }, "--endpoint and --state-dir name different systems"],
  [{ stack: "Team", config: "my.json" }, "--stack and --config name different systems"],
  [{ endpoint: "" }, "--endpoint: is empty"],
  [{ stack: "" }, "--stack: is empty"],
  [{ endpoint: URL, profile: "" }, "--profile: is empty"],
  [{ endpoint: URL, stack: "" }, "--stack: is empty"],
  [{ stateDir: "" }, "--state-dir: is empty"],
  [{ config: "" }, "--config: is empty"],
  [{ profile: "dev" }, "--profile: goes with --endpoint or --stack"],
  [{ region: "eu-west-1", stateDir: "/tmp/state" }, "--region: goes with --endpoint or --stack"],
  [{ service: "lambda" }, "--service: goes with --endpoint or --stack"],
])("%j is refused", (options, message) => {
  expect(() => targetOf(options, {})).toThrow(
    expect.objectContaining({ code: "input.invalid", message: expect.stringContaining(message) }),
  );
});
