import { expect, test } from "vitest";
import { functionLogger } from "../../lib/aws/logger.ts";

test("each message is one line of JSON, and a field cannot pretend to be another part of it", async () => {
  const lines: string[] = [];
  const log = functionLogger({ level: "info", version: "1.2.3", write: (line) => void lines.push(line) });
  log.debug("not heard");
  await log.inRequest("request-1", async () => {
    await Promise.resolve();
    log.info("two\nlines", { taskId: "task_1", level: "DEBUG", requestId: "forged" });
  });
  log.error("outside", { error: new TypeError("no"), text: "x".repeat(10_000) });
  expect(lines.map((line) => [line.indexOf("\n"), line.length - 1])).toEqual(
    lines.map((line) => [line.length - 1, line.length - 1]),
  );
  const [first, second] = lines.map((line) => JSON.parse(line));
  const timestamp = expect.stringMatching(/^\d{4}-.*Z$/);
  const version = "1.2.3";
  expect(first).toEqual({
    timestamp,
    version,
    level: "INFO",
    requestId: "request-1",
    message: "two\nlines",
    taskId: "task_1",
  });
  expect(second).toMatchObject({ timestamp, version, level: "ERROR", message: "outside", error: "TypeError: no" });
  expect(second.text).toHaveLength(8001);
  expect(second).not.toHaveProperty("requestId");
});
