import { execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { commandName, nameIn, packageFolder } from "../../../lib/client/cli/command-name.ts";
import { cleanEnv } from "./cli.ts";
import { eachInFolder } from "./in-folder.ts";

const launcher = join(packageFolder, "bin/agent-dispatch.js");
const path = process.env.PATH ?? "";

let folder = "";
eachInFolder((made) => {
  folder = made;
});

/** What a shell in that folder prints for `<name> --version`. */
async function versionBy(name: string, { cwd = folder, PATH = path } = {}): Promise<string> {
  const { stdout } = await promisify(execFile)("sh", ["-c", `${name} --version`], {
    cwd,
    env: { ...cleanEnv(), PATH, XDG_CACHE_HOME: join(folder, "cache") },
  });
  return stdout.trim();
}

test("a clone is called by npx, from any folder of it", async () => {
  expect(commandName()).toBe("npx agent-dispatch");
  const cwd = join(packageFolder, "test/client");
  expect(nameIn({ cwd, path })).toBe("npx agent-dispatch");
  expect(await versionBy("npx agent-dispatch", { cwd })).toBe("0.1.0");
});

test("what lies on the PATH is called by its name, unless npm put it there or it is another", async () => {
  const bin = join(folder, "bin");
  await mkdir(bin);
  const PATH = `${bin}${delimiter}${path}`;
  await writeFile(join(bin, "agentdispatch"), "");
  expect(nameIn({ cwd: packageFolder, path: PATH })).toBe("npx agent-dispatch");
  await symlink(launcher, join(bin, "agent-dispatch"));
  expect(nameIn({ cwd: folder, path: PATH })).toBe("agent-dispatch");
  expect(await versionBy("agent-dispatch", { PATH })).toBe("0.1.0");

  const npm = join(folder, "node_modules/.bin");
  await mkdir(npm, { recursive: true });
  await symlink(launcher, join(npm, "agent-dispatch"));
  expect(nameIn({ cwd: folder, path: npm })).toBe("npx agent-dispatch");

  const other = join(folder, "other");
  await mkdir(other);
  await writeFile(join(other, "agent-dispatch"), "#!/bin/sh\n", { mode: 0o755 });
  expect(nameIn({ cwd: packageFolder, path: `${other}${delimiter}${PATH}` })).toBe("npx agent-dispatch");
});

test("elsewhere it is called by where it is, and never by a name that another has", async () => {
  const name = nameIn({ cwd: folder, path });
  expect(name).toBe(`${process.execPath} ${launcher}`);
  expect(await versionBy(name)).toBe("0.1.0");

  const npm = join(folder, "node_modules/.bin");
  await mkdir(npm, { recursive: true });
  await writeFile(join(npm, "agent-dispatch"), "#!/bin/sh\n", { mode: 0o755 });
  expect(nameIn({ cwd: folder, path })).toBe(name);
});
