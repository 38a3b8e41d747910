import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTaskStore } from "../../../lib/store/dynamodb/task-store.ts";
import { Cli, cli, makeFolder, removeFolder } from "../../client/cli/cli.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";

let dynalite: Dynalite;
let stateDir: string;
beforeAll(async () => {
  dynalite = await startDynalite();
  stateDir = await makeFolder();
});
afterAll(async () => {
  await dynalite?.stop();
  await removeFolder(stateDir);
});

describe("agent-dispatch local --store dynamodb", () => {
  const start = (...words: string[]) => ["local", "--port", "0", "--state-dir", stateDir, ...words];

  it("makes its table on a stand-in, and keeps its tasks there over a restart", async () => {
    const words = ["--store", "dynamodb", "--table", "from-the-command-line", "--endpoint", dynalite.endpoint];
    const here = (...args: string[]) => cli([...args, "--state-dir", stateDir]);
    const first = new Cli(start(...words));
    await first.shows("git --version");
    const { out, code } = await here("run", "--command", "echo kept", "--json");
    expect(code).toBe(0);
    const id = JSON.parse(out).taskId as string;
    const store = openTaskStore({ tableName: "from-the-command-line", endpoint: dynalite.endpoint });
    expect(await store.get(id)).toMatchObject({ id, status: "succeeded" });
    store.close();
    first.kill("SIGTERM");
    expect((await first.ended).code).toBe(0);

    const second = new Cli(start(...words));
    await second.shows("git --version");
    expect(await here("logs", id)).toMatchObject({ code: 0, out: "kept\n" });
    second.kill("SIGTERM");
    await second.ended;
  });

  it.each([
    [["--store", "dynamodb"], 2, "--table: names the table of the store"],
    [["--region", "eu-central-1"], 2, "--region: goes with --store dynamodb"],
    [["--store", "dynamodb", "--table", "t", "--endpoint", "localhost"], 2, "Write it as http://host:port."],
    [["--store", "files"], 2, "Allowed choices are sqlite, dynamodb"],
    [["--store", "dynamodb", "--table", "t", "--endpoint", "http://127.0.0.1:1"], 1, "the task store cannot be used"],
  ])("says what is wrong with %j", async (words, code, text) => {
    const ended = await cli(start(...words));
    expect(ended.err).toContain(text);
    expect(ended.code).toBe(code);
  });
});
