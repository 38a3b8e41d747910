import { join } from "node:path";
import { describe, it } from "vitest";
import { MAX_REPLY, replySize } from "../../../lib/contract/replies/reply-size.ts";
import type { Json } from "../../../lib/contract/task.ts";
import type { SystemClient } from "../system.ts";
import type { SystemUnderTest } from "../under-test.ts";

const leaveFiles = join(import.meta.dirname, "../../fixtures/leave-files.mjs");
const COUNT = 1000;
const LENGTH = 480;
const timeout = 180_000;

/** Every file of a task, reply by reply. */
async function filesOf({ must }: SystemClient, id: string): Promise<{ files: Json[]; first: Json; largest: number }> {
  const first = await must("get_task_result", { task_id: id });
  const files = [...(first.artifacts as Json[])];
  let largest = replySize(first);
  for (let cursor = first.artifactsNextCursor; cursor !== undefined; ) {
    const more = await must("get_task_result", { task_id: id, artifacts_cursor: cursor });
    files.push(...(more.artifacts as Json[]));
    largest = Math.max(largest, replySize(more));
    cursor = more.artifactsNextCursor;
  }
  return { files, first, largest };
}

const commandOf = (seconds: number, character: string) =>
  `exec '${process.execPath}' '${leaveFiles}' ${COUNT} '${character}' ${LENGTH} ${seconds}`;

/** A job that leaves more than the item of a task could hold, in three bytes of UTF-8 for each character. */
export function leavingFiles({ open }: SystemUnderTest): void {
  it(`a job that leaves ${COUNT} files with names of ${LENGTH} characters succeeds, and every file can be reached`, {
    timeout,
  }, async ({ expect, onTestFinished: atEnd }) => {
    const { client } = await open({ atEnd });
    const id = await client.command({ command: commandOf(0, "漢"), shell: true });
    expect(await client.ended(id)).toMatchObject({ status: "succeeded", artifactCount: COUNT });
    const { files, first, largest } = await filesOf(client, id);
    expect(first).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
    expect(new Set(files.map(({ name }) => name)).size).toBe(COUNT);
    for (const { name } of files) expect((name as string).length).toBe(LENGTH);
    expect(largest).toBeLessThanOrEqual(MAX_REPLY);
  });
}

/** Jobs that leave too much, however they end. */
export function growing(system: SystemUnderTest): void {
  const { open } = system;
  leavingFiles(system);

  describe(`a job that leaves ${COUNT} files with names of ${LENGTH} characters`, () => {
    it("can be cancelled", { timeout }, async ({ expect, onTestFinished: atEnd }) => {
      const { client } = await open({ atEnd });
      const id = await client.command({ command: commandOf(600, "x"), shell: true });
      await client.until(id, ({ logLength }) => (logLength as number) > 0);
      await client.must("cancel_task", { task_id: id });
      expect(await client.ended(id)).toMatchObject({ status: "cancelled", artifactCount: COUNT });
      expect((await filesOf(client, id)).files).toHaveLength(COUNT);
    });

    it("ends at its deadline", { timeout }, async ({ expect, onTestFinished: atEnd }) => {
      const { client } = await open({ atEnd });
      const id = await client.command({ command: commandOf(600, "漢"), shell: true }, { timeout_seconds: 5 });
      expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code: "task.timeout" } });
      expect((await filesOf(client, id)).files).toHaveLength(COUNT);
    });
  });

  it("a file beyond those that are kept is named in the record", { timeout }, async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { client } = await open({ atEnd });
    const command = `exec '${process.execPath}' '${leaveFiles}' ${COUNT + 7} x 20`;
    const id = await client.command({ command, shell: true });
    const record = await client.ended(id);
    expect(record).toMatchObject({ status: "succeeded", artifactCount: COUNT });
    expect(record.artifactsLeftOut).toMatchObject({ count: 7, limit: COUNT });
    const { files } = record.artifactsLeftOut as { files: Json[] };
    expect(files.map(({ name }) => name)).toEqual(
      Array.from({ length: 7 }, (_, i) => `${"x".repeat(14)}00${1000 + i}`),
    );
    expect((await filesOf(client, id)).first).toMatchObject({ artifactsLeftOut: { count: 7, limit: COUNT } });
  });
}
