import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ArtifactsOptions, openArtifacts } from "../../../lib/artifacts/s3/artifacts.ts";
import { toProblem } from "../../../lib/contract/errors.ts";
import { newTaskId } from "../../../lib/contract/task-id.ts";
import { bytes, describeContent } from "../../contract/make-task.ts";
import type { Fault } from "../../emulators/requests/faults.ts";
import { startS3 } from "../../emulators/s3.ts";

describe("when S3 does not do what it was asked, artifacts", () => {
  const taskId = newTaskId();
  const content = bytes("the report");
  const artifact = describeContent(content);
  const key = ({ sha256 }: { sha256: string }) => `tasks/${taskId}/${sha256}`;

  let s3: Awaited<ReturnType<typeof startS3>>;
  beforeAll(async () => {
    s3 = await startS3();
  });
  afterAll(() => s3?.close());
  afterEach(() => s3.faults.clear());

  function open(options: Partial<ArtifactsOptions> = {}) {
    s3.makeBucket("artifacts");
    const artifacts = openArtifacts({ bucket: "artifacts", endpoint: s3.endpoint, ...options });
    return { artifacts, [Symbol.dispose]: () => artifacts.close() };
  }

  const cases: [string, Fault, RegExp, RegExp][] = [
    ["throttling", { status: 503, code: "SlowDown" }, /SlowDown/, /try again/],
    ["trouble at S3", { status: 500, code: "InternalError" }, /InternalError/, /try again/],
    ["a cut connection", { cut: "before" }, /ECONNRESET/, /try again/],
    [
      "another region",
      { status: 301, code: "PermanentRedirect" },
      /PermanentRedirect|301/,
      /region of bucket artifacts/,
    ],
    ["old credentials", { status: 403, code: "ExpiredToken" }, /ExpiredToken/, /renew the AWS credentials/],
    ["a disabled key", { status: 400, code: "KMS.DisabledException" }, /KMS/, /KMS key of bucket artifacts/],
  ];
  it.each(cases)("say what is wrong after %s", async (_, fault, message, hint) => {
    using opened = open();
    s3.faults.add(fault, { times: 10 });
    const problems = await Promise.all([
      opened.artifacts.put(taskId, "x", content, "text/plain").catch(toProblem),
      opened.artifacts.get({ ...artifact, uri: `s3://artifacts/${key(artifact)}` }).catch(toProblem),
    ]);
    for (const problem of problems) {
      expect(problem).toMatchObject({
        code: "platform.artifacts_unavailable",
        message: expect.stringMatching(message),
        retryable: true,
        hint: expect.stringMatching(hint),
      });
      expect(JSON.stringify(problem)).not.toMatch(/X-Amz|http/i);
    }
  });

  it("name the permission that is missing", async () => {
    using opened = open();
    s3.faults.add({ status: 403, code: "AccessDenied" }, { times: 3 });
    const code = "platform.artifacts_unavailable";
    const { artifacts } = opened;
    const ref = { ...artifact, uri: `s3://artifacts/${key(artifact)}` };
    const hint = (action: string) => expect.stringMatching(`allow this identity ${action} on the objects .*artifacts`);
    await expect(artifacts.put(taskId, "x", content, "")).rejects.toMatchObject({ code, hint: hint("s3:PutObject") });
    await expect(artifacts.get(ref)).rejects.toMatchObject({ code, hint: hint("s3:GetObject") });
    await expect(artifacts.has(taskId, artifact)).rejects.toMatchObject({ code, hint: hint("s3:GetObject") });
  });

  it("are not given up because their bucket is missing", async () => {
    using opened = open({ bucket: "no-such-bucket" });
    const missing = {
      code: "platform.artifacts_unavailable",
      message: expect.stringContaining("NoSuchBucket"),
      hint: expect.stringContaining("create bucket no-such-bucket"),
    };
    const { artifacts } = opened;
    const ref = { ...artifact, uri: `s3://no-such-bucket/${key(artifact)}` };
    await expect(artifacts.has(taskId, artifact)).rejects.toMatchObject(missing);
    await expect(artifacts.get(ref)).rejects.toMatchObject(missing);
    await expect(artifacts.put(taskId, "x", content, "")).rejects.toMatchObject(missing);
  });

  it("go on after trouble that passes, and ask for the bucket once", async () => {
    using opened = open();
    s3.faults.add({ status: 503, code: "SlowDown" }, { operation: "PUT object" });
    s3.faults.add({ cut: "after" }, { operation: "PUT object" });
    const ref = await opened.artifacts.put(taskId, "x", content, "text/plain");
    s3.faults.add({ cut: "after" }, { operation: "GET object" });
    await expect(opened.artifacts.get(ref)).rejects.toMatchObject({ code: "platform.artifacts_unavailable" });
    expect(await opened.artifacts.get(ref)).toEqual(Uint8Array.from(content));
    for (let i = 0; i < 3; i++) expect(await opened.artifacts.has(newTaskId(), artifact)).toBe(false);
    expect(s3.faults.seen.filter((operation) => operation === "HEAD bucket")).toHaveLength(1);
  });

  it("are refused to a stranger, and to one whose secret is wrong", async () => {
    using _ = open();
    const strict = await startS3({ identities: { local: "another secret" } });
    strict.makeBucket("artifacts");
    const artifacts = openArtifacts({ bucket: "artifacts", endpoint: strict.endpoint });
    await expect(artifacts.put(taskId, "x", content, "")).rejects.toMatchObject({
      message: expect.stringContaining("SignatureDoesNotMatch"),
      hint: "check the clock of this machine and its AWS credentials",
    });
    expect((await fetch(await artifacts.uriOf(taskId, artifact))).status).toBe(403);
    artifacts.close();
    strict.close();
    expect((await fetch(`${s3.endpoint}/artifacts/${key(artifact)}`)).status).toBe(403);
  });
});
