import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { safeSegments } from "../../../lib/artifacts/files/artifact-names.ts";
import { type LocalArtifacts, openArtifacts } from "../../../lib/artifacts/files/artifacts.ts";
import { newTaskId } from "../../../lib/contract/task-id.ts";
import { artifactsSuite } from "../../contract/artifacts.ts";
import { bytes, describeContent } from "../../contract/make-task.ts";
import { hostileStrings } from "../../contract/shared-store.ts";

const baseUrl = () => "http://127.0.0.1:9/base";
const secret = new Uint8Array(32).fill(7);

artifactsSuite("files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "artifacts-"));
  const artifacts = openArtifacts(folder, { baseUrl, secret });
  return {
    artifacts,
    send: (url, init) => artifacts.serve(new Request(url, init)),
    read: async (uri) => readFileSync(fileURLToPath(uri)),
    close: async () => rmSync(folder, { recursive: true }),
  };
});

describe("artifacts as files", () => {
  let outer: string;
  let folder: string;
  let nowMs: number;
  let artifacts: LocalArtifacts;
  const taskId = newTaskId();
  const open = (other: Uint8Array = secret) => openArtifacts(folder, { baseUrl, secret: other, now: () => nowMs });
  const put = (name: string, content: string) => artifacts.put(taskId, name, bytes(content), "text/plain");
  const files = () =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  const upload = async (url: string, body: RequestInit["body"], init: RequestInit = {}) => {
    const response = await artifacts.serve(
      new Request(url, { method: "PUT", body, duplex: "half", ...init } as RequestInit),
    );
    const { error } = (await response.json()) as { error?: { code: string; message: string } };
    return { status: response.status, code: error?.code, allow: response.headers.get("allow") };
  };

  beforeEach(() => {
    outer = mkdtempSync(join(tmpdir(), "artifacts-"));
    folder = join(outer, "state", "artifacts");
    nowMs = Date.now();
    artifacts = open();
  });
  afterEach(() => rmSync(outer, { recursive: true }));

  it("are for this user only", async () => {
    await put("a/b/report.md", "text");
    for (const entry of readdirSync(outer, { recursive: true, withFileTypes: true })) {
      const mode = statSync(join(entry.parentPath, entry.name)).mode & 0o777;
      const isContent = entry.parentPath.includes(`${sep}content${sep}`);
      expect(mode, entry.name).toBe(entry.isDirectory() ? 0o700 : isContent ? 0o400 : 0o600);
    }
  });

  it("have a URI that opens the file under its own name", async () => {
    const { uri } = await put("notes/über uns #1?.md", "text");
    expect(uri.startsWith("file:///")).toBe(true);
    expect(fileURLToPath(uri)).toBe(join(folder, "tasks", taskId, "notes", "über uns #1?.md"));
    expect(readFileSync(fileURLToPath(uri), "utf8")).toBe("text");
  });

  it("may be edited where they are shown: what is kept stays, and is shown again", async () => {
    const ref = await put("notes.md", "text");
    const shown = fileURLToPath(ref.uri);
    writeFileSync(shown, "TEXT");
    expect(Buffer.from(await artifacts.get(ref)).toString()).toBe("text");
    const artifact = describeContent(bytes("text"), { name: "notes.md" });
    const uri = await artifacts.uriOf(taskId, artifact);
    expect(uri).not.toBe(ref.uri);
    expect(readFileSync(fileURLToPath(uri), "utf8")).toBe("text");
    expect(readFileSync(shown, "utf8")).toBe("TEXT");
    // A copy that was only touched, or deleted, is the same again.
    utimesSync(fileURLToPath(uri), 1, 1);
    expect(await artifacts.uriOf(taskId, artifact)).toBe(uri);
    rmSync(shown);
    expect(await artifacts.uriOf(taskId, artifact)).toBe(ref.uri);
    expect(readFileSync(shown, "utf8")).toBe("text");
  });

  it("have no address any more once they are deleted", async () => {
    const { sha256, uri } = await put("notes.md", "text");
    rmSync(join(folder, "content", sha256.slice(0, 2), sha256));
    rmSync(fileURLToPath(uri));
    await expect(artifacts.uriOf(taskId, describeContent(bytes("text"), { name: "notes.md" }))).rejects.toMatchObject({
      code: "artifact.not_found",
    });
    expect(files()).toEqual([]);
  });

  it("are read from where they are kept when there is no room for a copy", async ({ skip }) => {
    if (spawnSync("unshare", ["-m", "true"]).status !== 0) skip("this system lets nobody mount a small disk");
    const script = join(import.meta.dirname, "artifacts-process.ts");
    const mount = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"';
    const words = ["-m", "sh", "-c", mount, "sh", "1500k", folder, process.execPath, script, folder];
    const { put: kept } = JSON.parse(await text(spawn("unshare", words).stdout)) as { put: { uri: string } };
    expect(fileURLToPath(kept.uri).startsWith(join(folder, "content") + sep)).toBe(true);
  });

  it("keep two contents of one name apart, and names that are in each other's way", async () => {
    const names = ["x", "x", "x/y", "x/y/z", "./x", "/x", "a/../x"];
    const uris = await Promise.all(names.map((name, i) => put(name, `content ${i}`)));
    expect(new Set(uris.map(({ uri }) => uri)).size).toBe(names.length);
    for (const [i, { uri }] of uris.entries()) expect(readFileSync(fileURLToPath(uri), "utf8")).toBe(`content ${i}`);
  });

  it("stay inside the folder whatever their names are", async () => {
    const hostile = [
      "../../../escaped",
      "/etc/escaped",
      "..",
      ".",
      "",
      "a\\..\\..\\b",
      "\ud800",
      "a/".repeat(400),
      "é".repeat(400),
      ...hostileStrings,
    ];
    for (const [i, name] of hostile.entries()) {
      const { uri } = await put(name, `content ${i}`);
      expect(fileURLToPath(uri).startsWith(folder + sep)).toBe(true);
      expect(readFileSync(fileURLToPath(uri), "utf8")).toBe(`content ${i}`);
    }
    expect(readdirSync(outer)).toEqual(["state"]);
    expect(readdirSync(join(outer, "state"))).toEqual(["artifacts"]);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 600 }), (name) => {
        for (const part of safeSegments(name)) {
          expect(part).not.toMatch(/^\.{0,2}$|[/\0]/);
          expect(Buffer.byteLength(part)).toBeLessThanOrEqual(200);
        }
      }),
    );
  });

  it("are not kept for what is no task id, nor under what is no sha256", async () => {
    const artifact = describeContent(bytes("x"));
    const refused = { code: "input.invalid" };
    for (const id of hostileStrings) {
      await expect(artifacts.put(id, "x", bytes("x"), "")).rejects.toMatchObject(refused);
      await expect(artifacts.uploadTarget(id, artifact)).rejects.toMatchObject(refused);
      await expect(artifacts.uriOf(id, artifact)).rejects.toMatchObject(refused);
      await expect(artifacts.has(taskId, { ...artifact, sha256: id })).rejects.toMatchObject(refused);
      await expect(artifacts.get({ uri: "", sizeBytes: 1, sha256: id })).rejects.toMatchObject(refused);
    }
    expect(files()).toEqual([]);
  });

  it("are checked when they are read, and made whole by the next writer", async () => {
    const ref = await put("a", "content");
    const artifact = describeContent(bytes("content"));
    const path = join(folder, "content", ref.sha256.slice(0, 2), ref.sha256);
    for (const damage of ["contenT", "con", ""]) {
      chmodSync(path, 0o600);
      writeFileSync(path, damage);
      await expect(artifacts.get(ref)).rejects.toMatchObject({ code: "artifact.corrupt" });
      expect(await artifacts.has(taskId, artifact)).toBe(false);
    }
    const again = await put("a", "content");
    expect(Buffer.from(await artifacts.get(again)).toString()).toBe("content");
    expect(readFileSync(fileURLToPath(again.uri), "utf8")).toBe("content");
  });

  it("refuse an address that is forged, for something else, or too old", async () => {
    const artifact = describeContent(bytes("content"));
    const { url } = await artifacts.uploadTarget(taskId, artifact);
    const [head = "", body = "", signature = ""] = /^(.*\/)([^.]+)\.(.+)$/.exec(url)?.slice(1) ?? [];
    const other = Buffer.from(
      JSON.stringify({ ...JSON.parse(`${Buffer.from(body, "base64url")}`), sizeBytes: 1 }),
    ).toString("base64url");
    const foreign = (await open(new Uint8Array(32)).uploadTarget(taskId, artifact)).url;
    const forged = [
      head,
      `${head}x`,
      `${head}${body}`,
      `${head}${body}.`,
      `${head}${body}.${signature}A`,
      `${head}${other}.${signature}`,
      `${url}.x`,
      foreign,
      "http://127.0.0.1/",
    ];
    for (const address of forged)
      expect(await upload(address, "content"), address).toMatchObject({ status: 403, code: "artifact.token_invalid" });
    nowMs += 15 * 60_000 - 1;
    expect(await upload(url, "content")).toMatchObject({ status: 200 });
    nowMs += 1;
    expect(await upload(url, "content")).toMatchObject({ status: 403, code: "artifact.token_expired" });
  });

  it("refuse what is not the announced content, and leave nothing of it", async () => {
    const { url } = await artifacts.uploadTarget(taskId, describeContent(bytes("content")));
    const failing = new ReadableStream({
      pull(controller) {
        controller.enqueue(bytes("con"));
        controller.error(new Error("the sender went away"));
      },
    });
    let pulled = 0;
    let cancelled = false;
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536));
      },
      cancel() {
        cancelled = true;
      },
    });
    expect(await upload(url, "Content")).toMatchObject({ status: 400, code: "artifact.wrong_content" });
    expect(await upload(url, "conten")).toMatchObject({ status: 400, code: "artifact.wrong_size" });
    expect(await upload(url, null)).toMatchObject({ status: 400, code: "artifact.wrong_size" });
    expect(await upload(url, "content", { headers: { "content-length": "8" } })).toMatchObject({
      code: "artifact.wrong_size",
    });
    expect(await upload(url, failing)).toMatchObject({ status: 400, code: "artifact.interrupted" });
    expect(await upload(url, endless)).toMatchObject({ status: 400, code: "artifact.wrong_size" });
    expect(pulled).toBeLessThan(10);
    expect(cancelled).toBe(true);
    expect(await upload(url, "content", { method: "POST" })).toMatchObject({ status: 405, allow: "PUT" });
    expect(files()).toEqual([]);
  });

  it("accept one content from many senders at once, and an empty one", async () => {
    const content = new Uint8Array(1_000_000).fill(3);
    const artifact = describeContent(content, { name: "big.bin" });
    const { url } = await artifacts.uploadTarget(taskId, artifact);
    const answers = await Promise.all(Array.from({ length: 10 }, () => upload(url, content)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    const uri = await artifacts.uriOf(taskId, artifact);
    expect(readFileSync(fileURLToPath(uri)).equals(content)).toBe(true);
    expect(files()).toHaveLength(2);
    const empty = await artifacts.uploadTarget(taskId, describeContent(bytes("")));
    expect(await upload(empty.url, null)).toMatchObject({ status: 200 });
  });

  it("are opened without what a dead writer left long ago", () => {
    const [old, fresh] = [join(folder, "tmp", "old"), join(folder, "tmp", "fresh")];
    for (const path of [old, fresh]) writeFileSync(path, "half");
    utimesSync(old, nowMs / 1000 - 90_000, nowMs / 1000 - 90_000);
    open();
    expect(files()).toEqual([fresh]);
  });

  it("say what is wrong when the disk is full or the folder cannot be written", async ({ skip }) => {
    const unavailable = { code: "platform.artifacts_unavailable", retryable: true, hint: expect.any(String) };
    const script = join(import.meta.dirname, "artifacts-process.ts");
    const limited = spawn("bash", ["-c", 'ulimit -f 256 && exec "$0" "$@"', process.execPath, script, folder]);
    expect(JSON.parse(await text(limited.stdout))).toMatchObject({
      put: { ...unavailable, message: expect.stringContaining("full") },
      status: 503,
    });
    expect(files()).toEqual([]);

    const asRoot = process.getuid?.() === 0;
    // Root may write everywhere, so it takes another user to be refused; that one must be able to read the program.
    chmodSync(join(folder, "tmp"), 0o555);
    chmodSync(outer, 0o755);
    for (const path of [join(outer, "state"), folder]) chmodSync(path, 0o755);
    if (asRoot && spawnSync("test", ["-r", script, "-a", "-r", folder], { uid: 65_534 }).status !== 0)
      skip("nobody but root can read this checkout");
    const uid = asRoot ? { uid: 65_534 } : {};
    const foreign = spawn(process.execPath, [script, folder], uid);
    expect(JSON.parse(await text(foreign.stdout))).toMatchObject({ put: unavailable, status: 503 });
    chmodSync(join(folder, "tmp"), 0o700);

    writeFileSync(join(outer, "file"), "");
    expect(() => openArtifacts(join(outer, "file"), { baseUrl, secret })).toThrowError(
      expect.objectContaining({ code: unavailable.code }),
    );
  });
});
