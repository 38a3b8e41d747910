import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type ArtifactsOptions, openArtifacts } from "../../../lib/artifacts/s3/artifacts.ts";
import { contentDisposition } from "../../../lib/artifacts/s3/content-disposition.ts";
import type { TaskArtifact } from "../../../lib/contract/task.ts";
import { newTaskId } from "../../../lib/contract/task-id.ts";
import { Uploads } from "../../../worker/artifacts/uploads.ts";
import { artifactsSuite } from "../../contract/artifacts.ts";
import { bytes, describeContent } from "../../contract/make-task.ts";
import { startS3 } from "../../emulators/s3.ts";

const MINUTE_MS = 60_000;

let s3: Awaited<ReturnType<typeof startS3>>;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3?.close());
afterEach(() => s3.faults.clear());

/** A client that says truly how long its body is. */
const put = (url: string, headers: RequestInit["headers"], body: RequestInit["body"]) => {
  const sent = new Headers(headers);
  sent.delete("content-length");
  return fetch(url, { method: "PUT", headers: sent, body: body ?? "" });
};

artifactsSuite("S3", async () => {
  s3.makeBucket("suite");
  const artifacts = openArtifacts({ bucket: "suite", endpoint: s3.endpoint });
  return {
    artifacts,
    send: (url, init) => (init?.method === "PUT" ? put(String(url), init.headers, init.body) : fetch(url, init)),
    read: async (uri) => new Uint8Array(await (await fetch(uri)).arrayBuffer()),
    close: async () => artifacts.close(),
  };
});

describe("artifacts on S3", () => {
  const taskId = newTaskId();
  const content = bytes("the report");
  const artifact = describeContent(content, { name: "notes/über uns.md" });
  const key = (of: TaskArtifact) => `tasks/${taskId}/${of.sha256}`;

  /** Artifacts in a bucket of the test's own, which goes with the test. */
  function open(options: Partial<ArtifactsOptions> = {}) {
    const objects = s3.makeBucket("artifacts");
    const artifacts = openArtifacts({ bucket: "artifacts", endpoint: s3.endpoint, ...options });
    return { objects, artifacts, [Symbol.dispose]: () => artifacts.close() };
  }

  it("are named by task and content, with what they are and a name to save them under", async () => {
    using opened = open();
    const ref = await opened.artifacts.put(taskId, artifact.name, content, "text/markdown");
    const { sha256, sizeBytes } = artifact;
    expect(ref).toEqual({ uri: `s3://artifacts/${key(artifact)}`, sha256, sizeBytes });
    expect([...opened.objects.keys()]).toEqual([key(artifact)]);
    expect(opened.objects.get(key(artifact))).toMatchObject({
      checksum: Buffer.from(sha256, "hex").toString("base64"),
      headers: {
        "content-type": "text/markdown",
        "content-disposition": `attachment; filename="_ber uns.md"; filename*=UTF-8''%C3%BCber%20uns.md`,
      },
    });
    expect(await opened.artifacts.has(taskId, artifact)).toBe(true);
    expect(await opened.artifacts.has(newTaskId(), artifact)).toBe(false);
  });

  it("are read under their own name and type for an hour, by anybody who has the address", async () => {
    let nowMs = Date.now();
    using opened = open({ now: () => nowMs });
    await opened.artifacts.put(taskId, "other name", content, "text/plain");
    const got = await fetch(await opened.artifacts.uriOf(taskId, artifact));
    expect(got.headers.get("content-type")).toBe("text/markdown");
    expect(got.headers.get("content-disposition")).toBe(contentDisposition("über uns.md"));
    expect(await got.text()).toBe("the report");

    const read = async (signedAgoMs: number) => {
      nowMs = Date.now() - signedAgoMs;
      return (await fetch(await opened.artifacts.uriOf(taskId, artifact))).status;
    };
    expect(await read(59 * MINUTE_MS)).toBe(200);
    expect(await read(61 * MINUTE_MS)).toBe(403);
  });

  it("refuse what an address was not signed for", async () => {
    using opened = open();
    await opened.artifacts.put(taskId, "x", content, "text/plain");
    const uri = await opened.artifacts.uriOf(taskId, artifact);
    const { url, headers } = await opened.artifacts.uploadTarget(taskId, artifact);
    const foreign = new URL(uri);
    foreign.pathname = `/artifacts/tasks/${newTaskId()}/${artifact.sha256}`;
    const other = describeContent(bytes("other"));
    for (const forged of [
      foreign,
      uri.replace("X-Amz-Expires=3600", "X-Amz-Expires=36000"),
      uri.replace("markdown", "html"),
      uri.replace(/X-Amz-Signature=./, "X-Amz-Signature=g"),
      uri.split("?")[0] ?? "",
      url,
    ])
      expect((await fetch(forged)).status, String(forged)).toBe(403);
    expect((await put(url.replace(artifact.sha256, other.sha256), headers, content)).status).toBe(403);
    expect((await put(uri, headers, content)).status).toBe(403);
  });

  it("are uploaded with exactly the headers of the target, within 15 minutes", async () => {
    let nowMs = Date.now();
    using opened = open({ now: () => nowMs });
    const target = () => opened.artifacts.uploadTarget(taskId, artifact);
    const { url, headers } = await target();
    const checksum = Buffer.from(artifact.sha256, "hex").toString("base64");
    expect(headers).toEqual({ "content-length": "10", "x-amz-checksum-sha256": checksum });
    expect(new URL(url).searchParams.get("X-Amz-SignedHeaders")).toBe("content-length;host;x-amz-checksum-sha256");

    const other = bytes("The report");
    const otherSum = Buffer.from(describeContent(other).sha256, "hex").toString("base64");
    const named = "x-amz-checksum-sha256";
    const answers = {
      otherBody: await put(url, headers, other),
      otherSum: await put(url, { [named]: otherSum }, other),
      noSum: await put(url, {}, content),
      longer: await put(url, headers, "the reports"),
      more: await put(url, { ...headers, "x-amz-acl": "public-read" }, content),
    };
    const statuses = Object.fromEntries(Object.entries(answers).map(([name, { status }]) => [name, status]));
    expect(statuses).toEqual({ otherBody: 400, otherSum: 403, noSum: 403, longer: 403, more: 403 });
    expect(await answers.otherSum.text()).toContain("<Code>SignatureDoesNotMatch</Code>");
    expect(opened.objects.size).toBe(0);

    const upload = async (signedAgoMs: number) => {
      nowMs = Date.now() - signedAgoMs;
      const { url, headers } = await target();
      return put(url, { ...headers, "content-type": "text/markdown" }, content);
    };
    const late = await upload(16 * MINUTE_MS);
    expect([late.status, await late.text()]).toEqual([403, expect.stringContaining("Request has expired")]);
    expect((await upload(14 * MINUTE_MS)).status).toBe(200);
    expect(await opened.artifacts.has(taskId, artifact)).toBe(true);
  });

  it("accept an empty file, and one sent as a stream with the headers as they are", async () => {
    using opened = open();
    for (const body of [bytes(""), new Uint8Array(300_000).fill(7)]) {
      const file = describeContent(body);
      const { url, headers } = await opened.artifacts.uploadTarget(taskId, file);
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const request = httpRequest(url, { method: "PUT", headers }, (response) => {
          response.resume().on("end", () => resolve(response.statusCode));
        });
        request.on("error", reject);
        request.end(body);
      });
      expect(status).toBe(200);
      expect(await opened.artifacts.has(taskId, file)).toBe(true);
    }
  });

  it("are sent there by a worker, whole or not at all", async () => {
    using opened = open();
    const folder = mkdtempSync(join(tmpdir(), "artifacts-"));
    const files = ["", "a report", "x".repeat(3_000_000)].map((text, i) => {
      const path = join(folder, String(i));
      writeFileSync(path, text);
      const { size, mtimeMs } = statSync(path);
      const described = describeContent(bytes(text), { id: `artifact-${i}` });
      return { ...described, path, sizeBytes: size, modifiedMs: mtimeMs };
    });
    const targets = (of: TaskArtifact[]) =>
      Promise.all(of.map(async (file) => ({ id: file.id, ...(await opened.artifacts.uploadTarget(taskId, file)) })));
    const local = new Map(files.map((file) => [file.id, file]));
    s3.faults.add({ status: 503, code: "SlowDown" }, { operation: "PUT object" });
    const sent = await new Uploads(local).request(await targets(files));
    expect(sent.artifacts.map(({ state }) => state)).toEqual(["stored", "stored", "stored"]);
    for (const file of files) expect(await opened.artifacts.has(taskId, file)).toBe(true);

    const wrong = files.map((file) => ({ ...file, sha256: describeContent(bytes(file.id)).sha256 }));
    const refused = await new Uploads(local).request(await targets(wrong));
    expect(refused.artifacts.map(({ state }) => state)).toEqual(["lost", "lost", "lost"]);
    for (const file of wrong) expect(await opened.artifacts.has(taskId, file)).toBe(false);
    rmSync(folder, { recursive: true });
  });

  it("are checked when they are read", async () => {
    using opened = open();
    const ref = await opened.artifacts.put(taskId, "x", content, "text/plain");
    const stored = opened.objects.get(key(artifact));
    if (!stored) throw new Error("it was not stored");
    for (const damage of ["The report", "the", ""]) {
      opened.objects.set(key(artifact), { ...stored, body: Buffer.from(damage), checksum: "" });
      await expect(opened.artifacts.get(ref)).rejects.toMatchObject({ code: "artifact.corrupt", retryable: false });
      expect(await opened.artifacts.has(taskId, artifact)).toBe(false);
    }
    opened.objects.set(key(artifact), { ...stored, checksum: undefined });
    expect(await opened.artifacts.has(taskId, artifact)).toBe(false);
    await opened.artifacts.put(taskId, "x", content, "text/plain");
    expect(await opened.artifacts.get(ref)).toEqual(Uint8Array.from(content));
  });

  it("are not read from anywhere but where they were put", async () => {
    using opened = open();
    const ref = await opened.artifacts.put(taskId, "x", content, "text/plain");
    const other = describeContent(bytes("other"));
    opened.objects.set("secret", { body: Buffer.from(content), headers: {}, checksum: undefined });
    for (const uri of [
      "",
      "s3://artifacts/secret",
      `s3://elsewhere/${key(artifact)}`,
      `s3://artifacts/${key(other)}`,
      `s3://artifacts/tasks/${taskId}/../${artifact.sha256}`,
      await opened.artifacts.uriOf(taskId, artifact),
    ])
      await expect(opened.artifacts.get({ ...ref, uri }), uri).rejects.toMatchObject({ code: "artifact.not_found" });
  });

  describe("where the environment says it is", () => {
    afterEach(() => vi.unstubAllEnvs());

    it.each([
      ["127.0.0.1", "path style"],
      ["localhost", "virtual-host style"],
    ])("are signed with its credentials: %s, in %s", async (host, style) => {
      const cloud = await startS3({ region: "eu-central-1", identities: { ASIAEXAMPLE: "secret" } });
      const objects = cloud.makeBucket("artifacts");
      const { port } = new URL(cloud.endpoint);
      for (const [name, value] of [
        ["AWS_ENDPOINT_URL_S3", `http://${host}:${port}`],
        ["AWS_REGION", "eu-central-1"],
        ["AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"],
        ["AWS_SECRET_ACCESS_KEY", "secret"],
        ["AWS_SESSION_TOKEN", "token/with+signs="],
      ] as const)
        vi.stubEnv(name, value);
      const artifacts = openArtifacts({ bucket: "artifacts" });
      objects.set(key(artifact), { body: Buffer.from(content), headers: {}, checksum: undefined });
      const url = new URL(await artifacts.uriOf(taskId, artifact));
      expect(url.hostname).toBe(style === "path style" ? host : `artifacts.${host}`);
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const there = { host: "127.0.0.1", port, path: url.pathname + url.search, headers: { host: url.host } };
        httpRequest(there, (response) => resolve(response.resume().statusCode))
          .on("error", reject)
          .end();
      });
      expect(status).toBe(200);
      if (style === "path style") expect(await artifacts.has(taskId, artifact)).toBe(false);
      artifacts.close();
      cloud.close();
    });
  });
});
