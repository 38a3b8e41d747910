import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Artifacts } from "../../lib/artifacts/port.ts";
import { newTaskId } from "../../lib/contract/task-id.ts";
import { bytes, describeContent } from "./make-task.ts";
import { hostileStrings } from "./shared-store.ts";

/** Artifacts, and how a client sends to the addresses they give out, and reads from them. */
export type OpenArtifacts = {
  artifacts: Artifacts;
  send: typeof fetch;
  read(uri: string): Promise<Uint8Array>;
  close(): Promise<void>;
};

/** What artifacts have to do, as files and on S3 alike. */
export function artifactsSuite(name: string, open: () => Promise<OpenArtifacts>): void {
  describe(`artifacts: ${name}`, () => {
    let opened: OpenArtifacts;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => opened.close());

    it.each([
      ["empty", 0],
      ["small", 10],
      ["large", 3_000_000],
    ])("returns what it was given: %s", async (_, length) => {
      const content = new Uint8Array(length).map((_, i) => (i * 31) % 251);
      const ref = await opened.artifacts.put(newTaskId(), "value.bin", content, "application/octet-stream");
      const { sha256, sizeBytes } = describeContent(content);
      expect(ref).toMatchObject({ sha256, sizeBytes });
      expect(() => new URL(ref.uri)).not.toThrow();
      expect(Buffer.compare(await opened.artifacts.get(ref), content)).toBe(0);
    });

    it("takes the same value twice, and two values of one name", async () => {
      const taskId = newTaskId();
      const put = (text: string) => opened.artifacts.put(taskId, "result.json", bytes(text), "application/json");
      const [one, again, other] = [await put("1"), await put("1"), await put("2")];
      expect(again).toEqual(one);
      expect(Buffer.from(await opened.artifacts.get(one)).toString()).toBe("1");
      expect(Buffer.from(await opened.artifacts.get(other)).toString()).toBe("2");
      expect(other.uri).not.toBe(one.uri);
    });

    it.each(hostileStrings)("takes any name: %j", async (text) => {
      const ref = await opened.artifacts.put(newTaskId(), text, bytes(text), "text/plain");
      expect(Buffer.from(await opened.artifacts.get(ref)).toString()).toBe(text);
    });

    it("says when there is nothing", async () => {
      const { sha256, sizeBytes } = describeContent(bytes(`nobody put this ${newTaskId()}`));
      const missing = opened.artifacts.get({ uri: "file:///etc/passwd", sha256, sizeBytes });
      await expect(missing).rejects.toMatchObject({ code: "artifact.not_found", retryable: false });
    });

    it("takes no id but a task's, and no content but by a sha256", async () => {
      const taskId = newTaskId();
      const artifact = describeContent(bytes("x"));
      const refused = { code: "input.invalid" };
      for (const id of hostileStrings) {
        await expect(opened.artifacts.put(id, "x", bytes("x"), "")).rejects.toMatchObject(refused);
        await expect(opened.artifacts.uploadTarget(id, artifact)).rejects.toMatchObject(refused);
        await expect(opened.artifacts.uriOf(id, artifact)).rejects.toMatchObject(refused);
        const wrong = { ...artifact, sha256: id };
        await expect(opened.artifacts.uploadTarget(taskId, wrong)).rejects.toMatchObject(refused);
        await expect(opened.artifacts.uriOf(taskId, wrong)).rejects.toMatchObject(refused);
        await expect(opened.artifacts.has(taskId, wrong)).rejects.toMatchObject(refused);
        await expect(opened.artifacts.get({ uri: "", sizeBytes: 1, sha256: id })).rejects.toMatchObject(refused);
      }
    });

    it("accepts exactly the announced content, also twice, and then has it", async () => {
      const taskId = newTaskId();
      const content = bytes(`report of ${taskId} 😀`);
      const artifact = describeContent(content);
      expect(await opened.artifacts.has(taskId, artifact)).toBe(false);
      const { url, headers } = await opened.artifacts.uploadTarget(taskId, artifact);
      for (const wrong of [
        content.slice(1),
        bytes("x".repeat(content.byteLength)),
        bytes("x".repeat(100_000)),
        bytes(""),
      ]) {
        const refused = await opened.send(url, { method: "PUT", headers, body: wrong });
        expect(refused.status).toBeGreaterThanOrEqual(400);
        expect(await opened.artifacts.has(taskId, artifact)).toBe(false);
      }
      for (let time = 0; time < 2; time++) {
        const accepted = await opened.send(url, { method: "PUT", headers, body: content });
        expect(accepted.status).toBe(200);
        expect(await opened.artifacts.has(taskId, artifact)).toBe(true);
      }
      const uri = await opened.artifacts.uriOf(taskId, artifact);
      expect(Buffer.compare(await opened.read(uri), content)).toBe(0);
    });

    it("hands what a conversation keeps to whoever has its address, and nothing else", async () => {
      const [taskId, content] = [newTaskId(), new Uint8Array(300_000).map((_, i) => i % 253)];
      const artifact = describeContent(content, { private: true });
      const { url, headers } = await opened.artifacts.uploadTarget(taskId, artifact);
      expect((await opened.send(url, { method: "PUT", headers, body: content })).status).toBe(200);
      expect(await opened.artifacts.has(taskId, artifact)).toBe(true);

      const target = await opened.artifacts.downloadTarget(taskId, artifact);
      if (!target) throw new Error("it is there");
      const answer = await opened.send(target.url, { headers: target.headers });
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-length")).toBe("300000");
      expect(Buffer.compare(Buffer.from(await answer.arrayBuffer()), content)).toBe(0);
      expect((await opened.send(url)).status, "its other address").toBeGreaterThanOrEqual(400);
      const written = await opened.send(target.url, { method: "PUT", body: bytes("other") });
      expect(written.status).toBeGreaterThanOrEqual(400);
      expect((await opened.send(target.url.replace(/..$/, "xx"))).status).toBeGreaterThanOrEqual(400);
    });

    it("has no address, or one where there is nothing, for what a conversation does not keep", async () => {
      const target = await opened.artifacts.downloadTarget(newTaskId(), describeContent(bytes(`no ${newTaskId()}`)));
      if (target) expect((await opened.send(target.url, { headers: target.headers })).status).toBe(404);
    });
  });
}
