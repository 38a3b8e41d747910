import { expect, test } from "vitest";
import { MAX_EVENT_BYTES } from "../../../lib/contract/worker.ts";
import { agentEvents } from "../../../worker/frameworks/agent-events.ts";
import { EventLog, type NewEvent } from "../../../worker/output/event-log.ts";
import { OutputLog } from "../../../worker/output/output-log.ts";
import { textOf } from "../start-worker.ts";

function published() {
  const events = new EventLog();
  const log = new OutputLog(events);
  const emit = (event: NewEvent) => {
    log.flush();
    events.append(event);
    return true;
  };
  const page = () => {
    log.flush();
    return events.page(0, Number.POSITIVE_INFINITY).events;
  };
  return { page, agent: agentEvents({ emit, log }, () => {}) };
}

test("no event is larger than one may be, whatever an agent says", () => {
  const { page, agent } = published();
  for (const text of ["\u0001".repeat(200_000), "é".repeat(200_000), "😀".repeat(100_000)]) {
    agent.message(text);
    agent.toolCall({ id: text, name: text, input: { command: text, deep: [{ text }] } });
    agent.toolResult({ id: text, name: text, isError: true, output: text });
    agent.progress(text);
  }
  for (const event of page()) expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThanOrEqual(MAX_EVENT_BYTES);
});

test("the log reads as what happened, a line for each call and each failure", () => {
  const { page, agent } = published();
  agent.message("I look.\n");
  agent.message("  ");
  agent.toolCall({ id: "1", name: "Bash", input: { command: "npm test &&\n  npm run build", description: "x" } });
  agent.toolResult({ id: "1", isError: true, output: "exit 1\nmore" });
  agent.toolCall({ id: "2", name: "lab.ping", input: { count: 3 } });
  agent.toolResult({ id: "2", isError: false, output: "pong" });
  agent.toolCall({ id: "3", name: "Stop", input: {} });
  expect(textOf(page())).toBe(
    'I look.\n→ Bash npm test && npm run build\n✗ Bash: exit 1 more\n→ lab.ping {"count":3}\n→ Stop\n',
  );
  expect(agent.tools).toEqual({ called: 3, succeeded: 1 });
});

test("usage is told when it changes", () => {
  const { page, agent } = published();
  agent.usage({ inputTokens: 1, turns: 1 });
  agent.usage({ inputTokens: 1, turns: 1 });
  agent.usage({ inputTokens: 2, turns: 2 });
  expect(page().map(({ payload }) => payload)).toEqual([
    { inputTokens: 1, turns: 1 },
    { inputTokens: 2, turns: 2 },
  ]);
});
