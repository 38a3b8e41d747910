import { expect, test } from "vitest";
import { environmentVariables } from "../../../lib/contract/execution-environment.ts";
import { until } from "../../worker/start-worker.ts";
import { startSystem, temporaryFolder } from "../system.ts";

type Line = { level: string; message: string; fields: Record<string, unknown> };

/** Lines of the local log: the time, the level, the message, and the fields as JSON. */
const linesOf = (text: string): Line[] =>
  [...text.matchAll(/^\d{4}-\S+Z (\w+) ([^{\n]*?)(?: (\{.*\}))?$/gm)].map(
    ([, level = "", message = "", fields = "{}"]) => ({
      level,
      message,
      fields: JSON.parse(fields),
    }),
  );

test("on one machine the same decisions are told, to whoever wants to hear them", async () => {
  let said = "";
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const { client, url, token } = await startSystem(temporaryFolder(), {
    env: { [environmentVariables.logLevel]: "info" },
    onStderr: (text) => {
      said += text;
    },
  });
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2025-11-25",
      traceparent: trace,
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: {
        name: "dispatch_task",
        arguments: client.commandCall({ command: "printenv TRACEPARENT CANARY", env: { CANARY: "not to be told" } }),
      },
    }),
  });
  const { result } = (await answer.json()) as { result: { structuredContent: { taskId: string } } };
  const { taskId } = result.structuredContent;
  expect(await client.ended(taskId)).toMatchObject({ status: "succeeded" });
  expect(await client.log(taskId)).toBe(`${trace}\nnot to be told\n`);
  const isAbout = ({ fields }: Line) => fields.taskId === taskId;
  await until(() => linesOf(said).some((line) => isAbout(line) && line.fields.decision === "settled"));
  const lines = linesOf(said).filter((line) => isAbout(line) && line.level === "info");
  const statuses = lines.flatMap(({ fields }) => (fields.to === undefined ? [] : [fields.to]));
  expect(statuses).toEqual(["provisioning", "starting", "running", "completing", "succeeded"]);
  const decisions = new Set(lines.map(({ fields }) => fields.decision));
  expect([...decisions].sort()).toEqual(["dispatched", "ended", "first_event", "moved", "owed", "settled", "stepped"]);
  for (const { fields } of lines.filter(({ fields }) => fields.decision !== "stepped"))
    expect(fields.traceId).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
  expect(said).not.toContain("not to be told");
});

test("who asks for no more hears of no decision", async () => {
  let said = "";
  const { client } = await startSystem(temporaryFolder(), {
    onStderr: (text) => {
      said += text;
    },
  });
  expect(await client.ended(await client.command("true"))).toMatchObject({ status: "succeeded" });
  expect(linesOf(said).filter(({ fields }) => fields.decision !== undefined)).toEqual([]);
});
