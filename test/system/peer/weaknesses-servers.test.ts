/**
 * Weaknesses of the Python program agent-dispatch, as its changelog and its documents name them, where several assistants have a server
 * each, or one outlives an update: there each has its own limit, jobs and cache, and goes on with the code that it began with.
 */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { processesOf } from "../system.ts";
import { place } from "./servers.ts";

type Place = ReturnType<typeof place>;
type Server = Awaited<ReturnType<Place["serve"]>>;

const ends: (() => void | Promise<void>)[] = [];
let here: Place;
let first: Server;
let second: Server;
beforeAll(async () => {
  here = place((work) => void ends.unshift(work));
  [first, second] = await Promise.all([here.serve(), here.serve()]);
});
afterAll(async () => {
  for (const end of ends) await end();
});

const jobsOf = async ({ call }: Server): Promise<Json[]> => (await call("dispatch_jobs")) as unknown as Json[];

test("one limit is that of all servers and all ways to dispatch, and who came first is first", async () => {
  onTestFinished(() => here.release("one"));
  const third = await here.serve();
  const abandoned = third
    .call("dispatch", { agent: "a1", task: `await ${here.file("one")}` })
    .catch((error: Error) => error);
  await expect.poll(() => jobsOf(first)).toMatchObject([{ status: "running" }]);
  const [{ id } = {}] = await jobsOf(first);
  // Who gave up holds its place all the same, as long as its agent works.
  await third.close();
  expect(await abandoned).toBeInstanceOf(Error);
  const ways: [Server, string, Json][] = [
    [second, "dispatch_async", { agent: "a2", task: "two" }],
    [first, "dispatch", { agent: "a1", task: "three" }],
    [second, "dispatch_session", { agent: "a2", task: "four" }],
    [first, "dispatch_stream", { agent: "a1", task: "five" }],
    [second, "dispatch_parallel", { dispatches: [{ agent: "a2", task: "six" }] }],
  ];
  const answers: Promise<Json>[] = [];
  for (const [{ call }, tool, args] of ways) {
    answers.push(call(tool, args));
    await expect.poll(() => jobsOf(first)).toHaveLength(1 + answers.length);
  }
  const began = (await jobsOf(second)).filter((job) => job.agent !== "parallel.run" && job.status !== "pending");
  expect(began.map((job) => job.id)).toEqual([id]);
  here.release("one");
  const ids = (await Promise.all(answers)).map((answer) => [answer].flat()[0]).map((it) => it?.job_id ?? it?.task_id);
  const wait = (job_id: unknown) => first.call("dispatch_wait", { job_id, timeout_seconds: 50 });
  const jobs = await Promise.all([id, ...ids].map(wait));
  expect(jobs.map(({ task }) => String(task).split(" ")[0])).toEqual(["await", "two", "three", "four", "five", "six"]);
  for (const [index, { started_at }] of jobs.entries())
    expect(Number(started_at)).toBeGreaterThanOrEqual(Number(jobs[index - 1]?.completed_at ?? 0));
});

test("a job of one server is cancelled by another, and one that starts meanwhile leaves it as it is", async () => {
  const answer = first.call("dispatch", { agent: "a1", task: `await ${here.file("never")}` });
  const running = async () => (await jobsOf(second)).find(({ status }) => status === "running");
  await expect.poll(running).toBeDefined();
  const third = await here.serve();
  const job_id = String((await running())?.id);
  expect(await third.call("dispatch_status", { job_id })).toMatchObject({ status: "running" });
  expect(await third.call("dispatch_cancel", { job_id })).toMatchObject({ outcome: "cancelled_running" });
  expect(await answer).toMatchObject({ success: false, error_type: "cancelled" });
  await expect.poll(() => processesOf(`task_${job_id}`)).toEqual([]);
});

test("an answer is that of all servers, outlives them, and no other configuration's", async () => {
  const ask = { agent: "a2", task: "what is new;finish" };
  const asked = await first.call("dispatch", ask);
  expect(asked).toMatchObject({ success: true });
  expect(asked).not.toHaveProperty("cached");
  expect(await second.call("dispatch", ask)).toEqual({ ...asked, cached: true });
  expect(await here.run(["local", "stop"])).toMatchObject({ code: 0 });
  expect(await second.call("dispatch", ask)).toEqual({ ...asked, cached: true });
  here.configure({ runtimes: { a1: here.agent, a2: { ...here.agent, instructions: "Answer anew." } } });
  for (const { call } of [first, second])
    expect(await call("inspect_agent", { name: "a2" })).toMatchObject({ instructions: "Answer anew." });
  expect(await first.call("dispatch", ask)).not.toHaveProperty("cached");
});

test("a server that began before an update is told by doctor, and its assistant gets the new one without a new session", async () => {
  const there = place(onTestFinished);
  const program = there.file("program");
  const clone = join(import.meta.dirname, "../../..");
  for (const part of ["bin", "lib", "worker", "package.json"])
    cpSync(join(clone, part), join(program, part), { recursive: true });
  symlinkSync(join(clone, "node_modules"), join(program, "node_modules"));
  const manifest = JSON.parse(readFileSync(join(program, "package.json"), "utf8"));
  const install = (version: string) =>
    writeFileSync(join(program, "package.json"), JSON.stringify({ ...manifest, version }));
  const system = async () =>
    (JSON.parse((await there.run(["doctor", "--json"], program)).out).checks as Json[]).find(
      ({ name }) => name === "system",
    );
  install("7.0.0");
  const { call } = await there.serve(program);
  expect(await system()).toMatchObject({ status: "pass", message: expect.stringContaining("version 7.0.0") });
  install("7.0.1");
  expect(await system()).toMatchObject({
    status: "warn",
    message: "answers, and is version 7.0.0, while this is 7.0.1",
    fix: expect.stringContaining("local stop"),
  });
  expect(await there.run(["local", "stop"], program)).toMatchObject({ code: 0 });
  expect(await call("dispatch", { agent: "a1", task: "hello" })).toMatchObject({ success: true });
  expect(await system()).toMatchObject({ status: "pass", message: expect.stringContaining("version 7.0.1") });
});
