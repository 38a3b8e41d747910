import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { pathWithout } from "./without-agent-programs.ts";

test("a folder keeps everything but the programs that are left out", () => {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-path-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [tools, links] = [join(folder, "tools"), join(folder, "links")];
  for (const path of [tools, links]) mkdirSync(path);
  for (const name of ["claude", "helper"]) {
    writeFileSync(join(tools, name), `#!/bin/sh\necho ${name}\n`);
    chmodSync(join(tools, name), 0o755);
  }
  const path = pathWithout(["claude"], `${tools}${delimiter}/bin${delimiter}/nowhere`, links);
  expect(path.split(delimiter)).toEqual([join(links, "0"), "/bin", "/nowhere"]);
  const run = (program: string) => execFileSync(program, { env: { PATH: path }, encoding: "utf8", stdio: "pipe" });
  expect(run("helper")).toBe("helper\n");
  expect(() => run("claude")).toThrow("ENOENT");
});

test.each(["claude", "codex", "gemini", "opencode"])("tests find no %s", (program) => {
  expect(() => execFileSync(program, ["--version"], { stdio: "ignore", timeout: 20_000 })).toThrow("ENOENT");
});
