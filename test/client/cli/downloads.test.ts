import { readdir } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../../emulators/requests/listen.ts";
import { openScripted, result } from "../bridge/scripted-endpoint.ts";
import { artifact, record, TASK_ID, result as taskResult } from "../replies.ts";
import { Cli, makeFolder, removeFolder } from "./cli.ts";

/** `artifacts get` of a task whose one file is served as said. */
async function getting(serve: (response: ServerResponse) => void) {
  const server = createServer((_, response) => serve(response));
  const { endpoint, close } = await listen(server);
  onTestFinished(close);
  const file = artifact("big.bin", { uri: `${endpoint}/big.bin`, sizeBytes: 1000 });
  const answers: Record<string, object> = {
    get_task_result: taskResult({ artifacts: [file] }),
    get_task_status: record({ status: "succeeded" }),
  };
  const tools = await openScripted(
    {
      "tools/call": (received, response) => {
        const { name } = received.message.params as { name: string };
        result({ content: [], structuredContent: answers[name] })(received, response);
      },
    },
    onTestFinished,
  );
  const to = await makeFolder();
  onTestFinished(() => removeFolder(to));
  const before = await readdir(to);
  const cli = new Cli(
    ["artifacts", "get", TASK_ID, "--to", to, "--endpoint", tools.url, "--region", "us-west-2", "--json"],
    { env: { AGENTDISPATCH_SILENCE_SECONDS: "1", AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" } },
  );
  onTestFinished(() => cli.kill("SIGKILL"));
  return { cli, left: async () => (await readdir(to)).filter((name) => !before.includes(name)) };
}

test.each<[string, (response: ServerResponse) => void]>([
  ["before it begins", () => {}],
  ["in the middle", (response) => void response.writeHead(200).write("the beginning")],
])(
  "a file that stalls %s ends the command with what may be tried again, and nothing is left of it",
  async (_, serve) => {
    const { cli, left } = await getting(serve);
    const { code, out } = await cli.ended;
    const [{ error }] = JSON.parse(out).files;
    expect(error).toMatchObject({
      code: "platform.artifacts_unavailable",
      retryable: true,
      message: expect.stringContaining("nothing more of it came"),
    });
    expect(code).toBe(1);
    expect(await left()).toEqual([]);
  },
);

test.each(["SIGINT", "SIGTERM"] as const)("%s in the middle of a file leaves nothing of it", async (signal) => {
  const begun = Promise.withResolvers<void>();
  const { cli, left } = await getting((response) => {
    response.writeHead(200);
    const beat = setInterval(() => response.write("more"), 100);
    response.once("close", () => clearInterval(beat));
    begun.resolve();
  });
  await begun.promise;
  cli.kill(signal);
  expect(await cli.ended).toMatchObject({ code: 130, err: "" });
  expect(await left()).toEqual([]);
});
