import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { expectListed } from "./signed.ts";

const venv = mkdtempSync(join(tmpdir(), "agent-dispatch-python-"));

beforeAll(() => {
  execFileSync("python3", ["-m", "venv", venv]);
  execFileSync(join(venv, "bin/pip"), ["--disable-pip-version-check", "install", "--quiet", "botocore==1.44.5"]);
});
afterAll(() => rmSync(venv, { recursive: true, force: true }));

test("curl, as it is documented", () => expectListed("curl", "call.sh", (file) => ["sh", file]));
test("Python, as it is documented", () =>
  expectListed("Python", "call.py", (file) => [join(venv, "bin/python"), file]));
