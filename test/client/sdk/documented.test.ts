import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { cleanEnv } from "../cli/cli.ts";
import { eachInFolder } from "../cli/in-folder.ts";

let folder = "";
eachInFolder((made) => {
  folder = made;
});

/** The code of the page that imports the client. */
function example(page: string): string {
  const text = readFileSync(join(import.meta.dirname, "../../..", page), "utf8");
  const [code] = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].flatMap(([, code = ""]) =>
    code.includes('from "agent-dispatch-aws/client"') ? [code] : [],
  );
  if (!code) throw new Error(`${page} has no example of the client`);
  return code;
}

/** What it prints, run as it stands there, in a home without anything of ours. */
async function printed(page: string): Promise<string> {
  const file = join(folder, "example.ts");
  writeFileSync(file, example(page));
  const env = { ...cleanEnv(), HOME: folder, XDG_DATA_HOME: "" };
  const words = ["--import", join(import.meta.dirname, "../../fixtures/client-as-package.mjs"), file];
  return (await promisify(execFile)(process.execPath, words, { cwd: folder, env })).stdout;
}

test("the example of docs/CLIENTS.md runs as it stands there", async () => {
  expect(await printed("docs/CLIENTS.md")).toBe("counting\nsucceeded\ncount.txt 1\n2\n3\n\n");
});

test("the example of README.md runs as it stands there", async () => {
  const said = await printed("README.md");
  expect(said).toContain("task.succeeded");
  expect(said).toContain("Say hello");
});
