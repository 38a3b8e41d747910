import { afterEach, beforeEach, expect, test } from "vitest";
import { sessionEnvironment } from "../../../lib/backends/local-process/session-environment.ts";

const before = process.env;
const person = {
  PATH: "/bin",
  HOME: "/somewhere",
  HTTPS_PROXY: "http://proxy.example",
  ANTHROPIC_API_KEY: "a",
  ANTHROPIC_BASE_URL: "https://gateway.example",
  CLAUDE_CODE_OAUTH_TOKEN: "o",
  CLAUDE_CONFIG_DIR: "/c",
  CLAUDE_CODE_SESSION_ID: "of the session that we may be in",
  CLAUDECODE: "1",
  OPENAI_API_KEY: "b",
  CODEX_API_KEY: "c",
  CODEX_HOME: "/x",
  GEMINI_API_KEY: "d",
  GOOGLE_API_KEY: "e",
  AWS_ACCESS_KEY_ID: "f",
  AWS_PROFILE: "g",
  XDG_DATA_HOME: "/d",
  GITHUB_TOKEN: "h",
};
const everybodys = ["HOME", "PATH"];

beforeEach(() => {
  process.env = { ...person };
});
afterEach(() => {
  process.env = before;
});

const names = (use: Parameters<typeof sessionEnvironment>[0]) => Object.keys(sessionEnvironment(use)).sort();
const only = (...more: string[]) => [...everybodys, ...more].sort();

test.each([
  ["a command", {}, only()],
  ["echo", { framework: "echo" }, only()],
  ["a framework of somebody's own", { framework: "mine" }, only()],
  [
    "claude-code",
    { framework: "claude-code" },
    only("HTTPS_PROXY", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CONFIG_DIR"),
  ],
  ["codex", { framework: "codex" }, only("HTTPS_PROXY", "OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_HOME")],
  ["gemini", { framework: "gemini" }, only("HTTPS_PROXY", "GEMINI_API_KEY", "GOOGLE_API_KEY")],
  [
    "opencode",
    { framework: "opencode", model: "anthropic/claude-sonnet-4-5" },
    only("HTTPS_PROXY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "XDG_DATA_HOME"),
  ],
  ["strands", { framework: "strands" }, only("HTTPS_PROXY", "OPENAI_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_PROFILE")],
])("%s inherits what everybody may see and what is its own", (_, use, expected) => {
  expect(names(use)).toEqual(expected);
});

test("the credentials of AWS reach a program that is told to use Bedrock, and only then", () => {
  const aws = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"];
  const configured = { CLAUDE_CODE_USE_BEDROCK: "1" };
  expect(names({ framework: "claude-code", configured })).toEqual(expect.arrayContaining(aws));
  expect(names({ framework: "claude-code", configured: { CLAUDE_CODE_USE_BEDROCK: "0" } })).not.toContain(aws[0]);
  process.env.CLAUDE_CODE_USE_BEDROCK = "true";
  expect(names({ framework: "claude-code" })).toEqual(expect.arrayContaining(aws));
  expect(names({ framework: "codex" })).not.toContain(aws[0]);
  expect(names({ framework: "opencode", model: "amazon-bedrock/some-model" })).toEqual(expect.arrayContaining(aws));
  expect(names({ framework: "opencode", model: { id: "openai/gpt" } })).not.toContain(aws[0]);
});

test("a command under the name of a framework of ours is not given what that would be", () => {
  process.env.AGENTDISPATCH_FRAMEWORK_COMMAND_CODEX = "my-codex";
  expect(names({ framework: "codex" })).toEqual(only("AGENTDISPATCH_FRAMEWORK_COMMAND_CODEX"));
});

test("what the configuration sets comes first", () => {
  const configured = { ANTHROPIC_API_KEY: "of the configuration", PATH: "/opt/bin" };
  expect(sessionEnvironment({ framework: "claude-code", configured })).toMatchObject(configured);
  expect(sessionEnvironment({ configured })).toMatchObject(configured);
});
