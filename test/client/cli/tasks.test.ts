import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Context } from "../../../lib/client/cli/context.ts";
import { main } from "../../../lib/client/cli/program.ts";
import { type LocalSystem, startLocal } from "../../../lib/system/local.ts";
import { idsBeginning, openReading } from "../../../lib/system/reading.ts";
import { shareCompiledCode } from "../../fixtures/compile-cache.ts";
import { fixture } from "../../worker/start-worker.ts";
import { memoryIo } from "./memory-io.ts";

let home = "";
let system: LocalSystem | undefined;
const stateDir = () => join(home, "state");
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "agent-dispatch-tasks-"));
  await mkdir(stateDir());
  shareCompiledCode(stateDir());
  const environment = {
    AGENTDISPATCH_FRAMEWORK_COMMAND_ASKS: `${process.execPath} ${fixture("agent-asks.mjs")}`,
    AGENTDISPATCH_FRAMEWORK_COMMAND_JSON: `${process.execPath} ${fixture("agent-json.mjs")}`,
  };
  const configuration = {
    accounts: { local: { provider: "local" } },
    backends: { here: { adapter: "local-process", account: "local", details: { environment } } },
    runtimes: {
      parrot: { backend: "here", framework: "echo" },
      asking: { backend: "here", framework: "asks" },
      telling: { backend: "here", framework: "json" },
    },
  };
  const configFile = join(home, "config.json");
  await writeFile(configFile, JSON.stringify(configuration));
  system = await startLocal({ configFile, stateDir: stateDir() });
});
afterAll(async () => {
  await system?.close();
  await rm(home, { recursive: true, force: true });
});

/** Runs a command line in this process, at the system of this file, or without one. */
async function at(where: LocalSystem | undefined, args: string[]) {
  const io = memoryIo();
  const context: Context = {
    io,
    local: {
      stateDir: async () => stateDir(),
      idsBeginning: async (place, prefix) => idsBeginning(place.stateDir ?? stateDir(), prefix),
      find: async () => where && { url: where.url, token: where.token, pid: process.pid, forRun: false },
      read: async (place) => openReading(place.stateDir ?? stateDir()),
      start: () => Promise.reject(new Error("nothing is started here")),
    },
    patienceMs: 0,
    onDeparture: () => () => {},
    exit() {},
  };
  const code = await main(args, context);
  return { code, out: io.out(), err: io.err() };
}
const cli = (...args: string[]) => at(system, args);

const detached = async (...args: string[]): Promise<string> => {
  const { out, err } = await cli("run", "--detach", ...args);
  expect(out, err).toMatch(/^task_\w{32}\n$/);
  return out.trim();
};
const shell = (line: string) => detached("--shell", "--command", line);

const files = 'cd "$AGENTDISPATCH_ARTIFACTS_DIR" && printf one > one.txt && mkdir sub && printf two > sub/two.txt';

describe("wait", () => {
  test("ends with the job's own exit code, of several with the first that is not 0", async () => {
    const [good, bad, worse] = [await shell("true"), await shell("exit 5"), await shell("exit 6")];
    expect(await cli("wait", good)).toMatchObject({
      code: 0,
      out: "",
      err: expect.stringMatching(/succeeded in .* \$ true$/m),
    });
    expect(await cli("wait", worse.slice(5, 20), good, bad)).toMatchObject({ code: 6 });
    expect(await cli("wait", good, bad, "--quiet")).toEqual({ code: 5, out: "", err: "" });
    const { items } = JSON.parse((await cli("wait", good, bad, "--json")).out);
    expect(items).toMatchObject([
      { id: good, exitCode: 0 },
      { id: bad, status: "failed", exitCode: 5 },
    ]);
    expect(await cli("wait", await detached("--command", "no-such-program"))).toMatchObject({ code: 127 });
  });

  test("ends with 75 when the time is over, and the task goes on", async () => {
    const id = await shell("sleep 60");
    const { code, err } = await cli("wait", id, "--timeout", "1s");
    expect(err).toMatch(/ is still \w+ /);
    expect(code).toBe(75);
    await cli("cancel", id);
    expect(await cli("wait", id)).toMatchObject({ code: 130, err: expect.stringContaining("cancelled") });
  });

  test("ends with 75 when a task asks, and says how to answer; status says what it waits for", async () => {
    const id = await detached("Go", "--runtime", "asking");
    const waited = await cli("wait", id);
    expect(waited.err).toMatch(
      new RegExp(`needs input: .*\\?; answer with: .*agent-dispatch send-task-input ${id} --answer colour=…\n`),
    );
    expect(waited.code).toBe(75);
    expect((await cli("status", id)).out).toMatch(/^waits for +an answer to: .*send-task-input/m);
    expect(await cli("a2a-send", id)).toMatchObject({ code: 2, err: expect.stringContaining("--text: say something") });
    expect(await cli("a2a-send", id, "--text", "blue")).toMatchObject({ code: 0, out: "Which size?\n" });
    expect(await cli("send-task-input", id)).toMatchObject({ code: 2, err: expect.stringContaining("one of them") });
    const wrong = await cli("send-task-input", id, "--answer", "colour=small");
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("was answered already") });
    const unknown = await cli("send-task-input", id, "--answer", "shape=round");
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('is not asked; asked is "size"') });
    const sent = await cli("send-task-input", id, "--answer", "size=small");
    expect(sent).toMatchObject({ code: 0, out: "delivered\n" });
    expect(await cli("wait", id)).toMatchObject({ code: 0 });
  });
});

describe("list", () => {
  test("goes on by the command that it prints, and has all with --all, in 80 columns", async () => {
    for (const name of ["a", "b", "c"]) await shell(`: ${name} ${"long ".repeat(30)}`);
    const first = await cli("list", "--limit", "2");
    expect(first.out.trim().split("\n")).toHaveLength(3);
    for (const line of first.out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(first.out).toMatch(/^task +status +profile +created +what$/m);
    const words = /agent-dispatch'? (list .*)\n/.exec(first.err)?.[1]?.replaceAll("'", "").split(" ") ?? [];
    expect(words).toContain("--cursor");
    const second = await cli(...words);
    expect(second.out.trim().split("\n")).toHaveLength(3);
    const all = JSON.parse((await cli("list", "--all", "--json")).out);
    expect(all).not.toHaveProperty("cursor");
    const ids = all.items.map(({ id }: { id: string }) => id.slice(0, 13));
    const shown = [first, second].flatMap(({ out }) => out.match(/^task_\w{8}/gm) ?? []);
    expect(shown).toEqual(ids.slice(0, 4));
    expect(await cli("list", "--cursor", "nonsense")).toMatchObject({ code: 2 });
  });

  test("says which profile a task has, and what it is", async () => {
    const id = await detached("Say hello", "--runtime", "parrot");
    expect((await cli("list")).out).toMatch(new RegExp(`^${id.slice(0, 13)}  \\w+ +parrot +.* Say hello$`, "m"));
  });
});

test("status says what a task is, its profile, its exit code and its end", async () => {
  const id = await shell("exit 3");
  await cli("wait", id);
  const { out } = await cli("status", id);
  expect(out).toMatch(/^command +\$ exit 3$/m);
  expect(out).toMatch(/^status +failed$/m);
  expect(out).toMatch(/^exit code +3$/m);
  expect(out).toMatch(/^error +.*\(task\.exit_code\)$/m);
  const agent = await detached("Say hello", "--runtime", "parrot");
  await cli("wait", agent);
  const shown = (await cli("status", agent)).out;
  expect(shown).toMatch(/^instruction +Say hello$/m);
  expect(shown).toMatch(/^profile +parrot, echo$/m);
});

describe("events", () => {
  test("are lines, or JSON in lines, and followed they end with the job's own exit code", async () => {
    const id = await shell("echo said; exit 4");
    const followed = await cli("events", id, "--follow", "--json");
    const events = followed.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["task.created", "task.started", "task.log", "task.failed"]),
    );
    expect(followed.code).toBe(4);
    const lines = await cli("events", id);
    expect(lines.code).toBe(0);
    expect(lines.out).toMatch(/^\d\d:\d\d:\d\d +1 {2}task\.created/m);
    expect(lines.out.trim().split("\n")).toHaveLength(events.length);
    const last = events.at(-1).sequence;
    expect((await cli("events", id, "--after", String(last - 1), "--json")).out.trim().split("\n")).toHaveLength(1);
    expect(await cli("events", id, "--after", "x")).toMatchObject({ code: 2 });
  });
});

describe("artifacts", () => {
  test("are listed, and brought by name or all, in nobody's place", async () => {
    const id = await shell(files);
    await cli("wait", id);
    expect((await cli("artifacts", id)).out).toMatch(/^name +size +type\none\.txt +3 B/);
    expect(JSON.parse((await cli("artifacts", id, "--json")).out).artifacts).toHaveLength(2);

    const to = join(home, "all");
    const got = await cli("artifacts", "get", id, "--to", to);
    expect(got).toMatchObject({ code: 0, err: "" });
    expect(got.out.trim().split("\n").sort()).toEqual([join(to, "one.txt"), join(to, "sub/two.txt")]);
    expect(await readFile(join(to, "sub/two.txt"), "utf8")).toBe("two");
    // The same again is there already.
    expect(await cli("artifacts", "get", id, "--to", to)).toMatchObject({ code: 0 });
    await writeFile(join(to, "one.txt"), "mine");
    const refused = await cli("artifacts", "get", id, "one.txt", "--to", to);
    expect(refused.err).toMatch(/^error: .*one\.txt is there already\nhint: --force replaces it\n$/);
    expect(refused.code).toBe(2);
    expect(await readFile(join(to, "one.txt"), "utf8")).toBe("mine");
    expect(await cli("artifacts", "get", id, "one.txt", "--to", to, "--force")).toMatchObject({ code: 0 });
    expect(await readFile(join(to, "one.txt"), "utf8")).toBe("one");
    expect((await readdir(to)).sort()).toEqual(["one.txt", "sub"]);
    const unknown = await cli("artifacts", "get", id, "nope", "--to", to);
    expect(unknown).toMatchObject({
      code: 1,
      err: expect.stringContaining(`agent-dispatch artifacts ${id} lists them`),
    });
  });

  test("do not follow a link out of the folder", async () => {
    const id = await shell(files);
    await cli("wait", id);
    const [to, outside] = [join(home, "linked"), join(home, "outside")];
    await mkdir(to);
    await mkdir(outside);
    await symlink(outside, join(to, "sub"));
    const { code, err } = await cli("artifacts", "get", id, "--to", to);
    expect(err).toContain("leads out of");
    expect(code).toBe(1);
    expect(await readdir(outside)).toEqual([]);
    expect(await readFile(join(to, "one.txt"), "utf8")).toBe("one");
  });

  test("that are damaged where they are kept are refused, and nothing is left of them", async () => {
    const id = await shell(`${files}; printf whole > three.txt`);
    await cli("wait", id);
    const { artifacts } = JSON.parse((await cli("artifacts", id, "--json")).out);
    const { sha256 } = artifacts.find(({ name }: { name: string }) => name === "three.txt");
    const kept = join(stateDir(), "artifacts");
    const content = join(kept, "content", sha256.slice(0, 2), sha256);
    await chmod(content, 0o600);
    await writeFile(content, "other");
    await rm(join(kept, "tasks", id), { recursive: true });
    const to = join(home, "damaged");
    const { code, err } = await cli("artifacts", "get", id, "three.txt", "--to", to);
    expect(err).toMatch(/^error: what came for .*three\.txt has another sha256/);
    expect(code).toBe(1);
    expect(await readdir(to)).toEqual([]);
  });
});

describe("result", () => {
  test("is printed whole, or written to a file that was not there", async () => {
    const long = "word ".repeat(8000);
    const id = await detached(long, "--runtime", "parrot");
    await cli("wait", id);
    const printed = await cli("result", id);
    expect(printed.out).toContain(long.trim());
    const output = join(home, "answer.txt");
    expect(await cli("result", id, "--output", output)).toMatchObject({ code: 0, out: "" });
    expect(await readFile(output, "utf8")).toBe(printed.out);
    expect((await stat(output)).isFile()).toBe(true);
    await writeFile(output, "mine");
    expect(await cli("result", id, "--output", output)).toMatchObject({ code: 2 });
    expect(await readFile(output, "utf8")).toBe("mine");
    expect(await cli("result", id, "--output", output, "--force")).toMatchObject({ code: 0 });
    expect(await readFile(output, "utf8")).toBe(printed.out);
    expect(JSON.parse((await cli("result", id, "--json")).out).result.output).toContain(long.trim());
  });

  test("is read in pages, each of which says where the next begins", async () => {
    const id = await detached(`é😀${"word ".repeat(8000)}end`, "--runtime", "parrot");
    await cli("wait", id);
    const whole = (await cli("result", id)).out.trimEnd();
    let read = "";
    for (let offset: string | undefined = "0", pages = 0; offset !== undefined && pages < 20; pages++) {
      const page = await cli("result", id, "--offset", offset, "--max-chars", "9000");
      expect(page.code).toBe(0);
      read += page.out;
      offset = /--offset (\d+)/.exec(page.err)?.[1];
    }
    expect(read).toBe(whole);
    const json = JSON.parse((await cli("result", id, "--max-chars", "8", "--json")).out);
    expect(json).toMatchObject({ text: whole.slice(0, 8), offset: 0, nextOffset: 8, textLength: whole.length });
    expect(await cli("result", id, "--offset", "-1")).toMatchObject({ code: 2 });
  });
});

describe("an agent that is asked for JSON", () => {
  const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
  const asked = async (instruction: string, ...more: string[]) => {
    const { out, err } = await cli(
      "run",
      instruction,
      "--runtime",
      "telling",
      "--json",
      "--response-format",
      "json",
      ...more,
    );
    const { id } = JSON.parse(out);
    return { err, id, ...JSON.parse((await cli("result", id, "--json")).out) };
  };
  const file = async () => {
    const path = join(home, "schema.json");
    await writeFile(path, JSON.stringify(schema));
    return path;
  };

  test("answers with it, and what it said is kept", async () => {
    const text = 'Here:\n```json\n{"n": 1}\n```';
    const answer = await asked(`say:${text}`, "--schema", await file());
    expect(answer).toMatchObject({ status: "succeeded", parsedResult: { n: 1 }, result: { output: text } });
    expect(answer.result).not.toHaveProperty("result");
    expect(answer).not.toHaveProperty("parseError");
    // It was told how, in the prompt and beside it
    expect(answer.err).toContain(JSON.stringify(schema));
    const record = JSON.parse((await cli("status", answer.id, "--json")).out);
    expect(record).toMatchObject({ parsedResult: { n: 1 }, responseFormat: { schema } });
    expect(await asked("say:[1, 2]")).toMatchObject({ parsedResult: [1, 2], result: { output: "[1, 2]" } });
    expect((await cli("result", answer.id, "--offset", "0")).out).toBe('{"n":1}');
  });

  test("has a reason where it gave none, and fails for nothing else", async () => {
    expect(await asked("say:I could not.")).toMatchObject({
      status: "succeeded",
      parseError: "the agent gave no JSON",
      result: { output: "I could not." },
    });
    const wrong = await asked('say:{"n": "one"}', "--schema", await file());
    expect(wrong).toMatchObject({ status: "succeeded", parseError: expect.stringMatching(/^#\/n: /) });
    expect(wrong).not.toHaveProperty("parsedResult");
  });

  test("is given a schema that is one, and a program none", async () => {
    const path = join(home, "none.json");
    await writeFile(path, '"text"');
    const run = (...args: string[]) => cli("run", "say:x", "--runtime", "telling", ...args);
    expect(await run("--response-format", "json", "--schema", path)).toMatchObject({
      code: 2,
      err: expect.stringContaining("no JSON Schema"),
    });
    expect(await run("--schema", path)).toMatchObject({ code: 2, err: expect.stringContaining("--response-format") });
    await writeFile(path, '{"$ref":"#/nowhere"}');
    expect(await run("--response-format", "json", "--schema", path)).toMatchObject({
      code: 2,
      err: expect.stringContaining("--schema"),
    });
    expect(await cli("run", "--command", "true", "--response-format", "json")).toMatchObject({ code: 2 });
  });
});

describe("run", () => {
  test("says nothing besides what the job writes, where it is to be quiet", async () => {
    const command = ["run", "--quiet", "--shell", "--command", "echo out; echo aside >&2; exit 3"];
    expect(await cli(...command)).toEqual({ code: 3, out: "out\n", err: "aside\n" });
    const agent = await cli("run", "--quiet", "Say hello", "--runtime", "parrot");
    expect(agent).toMatchObject({ code: 0, out: expect.stringContaining("Say hello"), err: "" });
  });

  test("what is said of a task is kept with it", async () => {
    const said = [
      "--goal",
      "a larger one",
      "--caller",
      "me",
      "--metadata",
      "k=v",
      "--model",
      "m",
      "--target-mode",
      "session",
    ];
    const { out } = await cli("run", "Say hello", "--runtime", "parrot", "--json", ...said);
    expect(JSON.parse(out)).toMatchObject({
      ...{ goal: "a larger one", caller: "me", metadata: { k: "v" }, target: { mode: "session" } },
      input: { instruction: "Say hello", model: "m" },
    });
  });

  test("the profiles that it may name are listed", async () => {
    expect((await cli("runtimes")).out).toMatch(
      /^name +provider +protocol +framework +model\n[\s\S]*^parrot +local .*echo$/m,
    );
    const { items } = JSON.parse((await cli("runtimes", "--json")).out);
    expect(items).toContainEqual(expect.objectContaining({ name: "asking", framework: "asks" }));
  });

  test("test gives any runtime profile a task", async () => {
    const { code, out, err } = await cli("test", "parrot");
    expect(out).toContain("Change nothing, and run nothing.");
    expect(err).toContain("✔ succeeded");
    expect(code).toBe(0);
  });
});

describe("without a system that runs", () => {
  const none = (...args: string[]) => at(undefined, args);

  test("everything that ended is read, with its own exit code, and its files are brought", async () => {
    const id = await shell(`${files}; echo said; exit 7`);
    const long = await detached("word ".repeat(8000), "--runtime", "parrot");
    await cli("wait", id, long);
    expect((await none("list")).out).toContain(id.slice(0, 13));
    expect((await none("status", id)).out).toMatch(/^exit code +7$/m);
    expect((await none("events", id, "--follow")).out).toContain("task.failed");
    expect(await none("logs", id, "--follow")).toMatchObject({ code: 7, out: "said\n" });
    expect(await none("wait", id)).toMatchObject({ code: 7 });
    expect(await none("result", id)).toMatchObject({ code: 7, out: expect.stringContaining('"exitCode": 7') });
    expect((await none("result", long)).out).toBe((await cli("result", long)).out);
    const to = join(home, "read");
    expect(await none("artifacts", "get", id, "--to", to)).toMatchObject({ code: 0 });
    expect((await readdir(to)).sort()).toEqual(["one.txt", "sub"]);
  });

  test("whoever would have to wait is told how to start one", async () => {
    const id = await shell("echo begun; sleep 60");
    await expect.poll(async () => (await cli("logs", id)).out, { timeout: 20_000 }).toBe("begun\n");
    const logs = await none("logs", id, "--follow");
    expect(logs.out).toBe("begun\n");
    expect(logs.err).toMatch(
      /^error: task \w+ is running, and no local system .*\nhint: .*agent-dispatch local starts it/,
    );
    expect(logs.code).toBe(1);
    for (const command of ["wait", "cancel"])
      expect(await none(command, id)).toMatchObject({
        code: 1,
        err: logs.err.length ? expect.stringContaining("no local system is running") : "",
      });
    expect(await none("events", id, "--follow")).toMatchObject({
      code: 1,
      out: expect.stringContaining("task.started"),
    });
    await cli("cancel", id);
  });

  test("a state folder that does not exist is told", async () => {
    const missing = await none("list", "--state-dir", join(home, "nowhere"));
    expect(missing.err).toMatch(/^error: there are no tasks on .*nowhere.*\nhint: /);
    expect(missing.code).toBe(1);
  });
});
