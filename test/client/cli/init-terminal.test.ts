/** What `init` asks on a real terminal. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eachInFolder } from "./in-folder.ts";
import { agentDispatch, Terminal } from "./terminal.ts";

const [ENTER, DOWN, CTRL_C] = ["\r", "\u001b[B", "\u0003"];

let folder = "";
eachInFolder((made) => {
  folder = made;
});

// A terminal without a size has no room for a question.
const open = () =>
  new Terminal(`stty cols 100 rows 40; cd ${folder} && ${agentDispatch} init`, { HOME: folder, PATH: "/usr/bin:/bin" });

test("init asks where jobs run and which assistants are to know, shows what changes, and does it when told to", async () => {
  mkdirSync(join(folder, ".cursor"));
  const terminal = open();
  await terminal.shows("Where do jobs run?");
  terminal.type(DOWN + ENTER);
  await terminal.shows("In which region?");
  terminal.type(`us-west-2${ENTER}`);
  await terminal.shows("Which runtime?");
  terminal.type(ENTER);
  await terminal.shows("What does it speak?");
  terminal.type(DOWN + ENTER);
  // What is used on this machine is chosen already.
  await terminal.shows("Which assistants are to use it?");
  terminal.type(ENTER);
  await terminal.shows("Do this?");
  expect(terminal.raw).toMatch(/"region": "us-west-2"[\s\S]*mcp\.json/);
  expect(existsSync(join(folder, ".cursor", "mcp.json"))).toBe(false);
  terminal.type(ENTER);
  expect((await terminal.ended).code).toBe(0);
  const config = readFileSync(join(folder, "agentdispatch.config.json"), "utf8");
  expect(config).toMatch(/"protocol": "a2a"/);
  expect(readFileSync(join(folder, ".cursor", "mcp.json"), "utf8")).toContain("agentdispatch.config.json");
});

test("init leaves at Ctrl-C, and at a no, and has changed nothing", async () => {
  const left = open();
  await left.shows("Where do jobs run?");
  left.type(CTRL_C);
  expect((await left.ended).code).toBe(130);
  const refused = open();
  await refused.shows("Where do jobs run?");
  refused.type(ENTER);
  await refused.shows("Which assistants are to use it?");
  refused.type(ENTER);
  await refused.shows("Do this?");
  refused.type(`n${ENTER}`);
  expect((await refused.ended).code).toBe(130);
  expect(existsSync(join(folder, "agentdispatch.config.json"))).toBe(false);
});
