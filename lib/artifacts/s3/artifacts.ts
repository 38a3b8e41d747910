import { createHash } from "node:crypto";
import type { Connection } from "../../aws/connection.ts";
import { RefusedError } from "../../contract/errors.ts";
import { type Content, checkedContent, checkedTaskId } from "../content.ts";
import type { Artifacts } from "../port.ts";
import { Bucket } from "./bucket.ts";
import { contentDisposition, safeContentType } from "./content-disposition.ts";

const UPLOAD_SECONDS = 15 * 60;
const READ_SECONDS = 60 * 60;

export type ArtifactsOptions = Connection & {
  bucket: string;
  /** Epoch milliseconds; default the clock. Addresses count their time from it. */
  now?: () => number;
};

/**
 * Artifacts on S3: `tasks/<task id>/<sha256>`, so that no name becomes part of a key, and all that a task left goes with
 * its prefix. Addresses for a worker are signed for one content, and S3 refuses any other; those for a caller are good for
 * an hour, or until the credentials that signed them expire. Throws RetryableError `platform.artifacts_unavailable`.
 *
 * @example
 * const artifacts = openArtifacts({ bucket: "agent-dispatch-artifacts", region: "eu-central-1" });
 */
export function openArtifacts(options: ArtifactsOptions): Artifacts & { close(): void } {
  const { now = Date.now } = options;
  const bucket = new Bucket(options.bucket, options);
  return {
    async put(taskId, name, content, contentType) {
      const kept = { sha256: sha256Of(content), sizeBytes: content.byteLength };
      const key = keyOf(taskId, kept);
      await bucket.put(key, content, expected(kept), {
        contentType: safeContentType(contentType),
        contentDisposition: contentDisposition(name),
      });
      return { uri: `s3://${bucket.name}/${key}`, ...kept };
    },

    async get({ uri, ...ref }) {
      const content = checkedContent(ref);
      const key = keyIn(bucket.name, uri, content);
      const bytes = key === undefined ? undefined : await bucket.get(key);
      if (!bytes) throw notFound(bucket.name, content);
      if (bytes.byteLength === content.sizeBytes && sha256Of(bytes) === content.sha256) return bytes;
      throw new RefusedError("artifact.corrupt", `the content with sha256 ${content.sha256} is damaged`, {
        details: { sha256: content.sha256, sizeBytes: bytes.byteLength },
      });
    },

    async uploadTarget(taskId, artifact) {
      return bucket.presignPut(keyOf(taskId, artifact), expected(artifact), { atMs: now(), seconds: UPLOAD_SECONDS });
    },

    async downloadTarget(taskId, content) {
      const url = await bucket.presignGet(keyOf(taskId, content), {}, { atMs: now(), seconds: UPLOAD_SECONDS });
      return { url, headers: {} };
    },

    async has(taskId, artifact) {
      const found = await bucket.head(keyOf(taskId, artifact));
      const { checksum, sizeBytes } = expected(artifact);
      return found?.checksum === checksum && found.sizeBytes === sizeBytes;
    },

    async uriOf(taskId, artifact) {
      const headers = {
        contentType: safeContentType(artifact.contentType),
        contentDisposition: contentDisposition(artifact.name),
      };
      return bucket.presignGet(keyOf(taskId, artifact), headers, { atMs: now(), seconds: READ_SECONDS });
    },

    close: () => bucket.close(),
  };
}

const keyOf = (taskId: string, content: Content): string =>
  `tasks/${checkedTaskId(taskId)}/${checkedContent(content).sha256}`;

/** The key of an object that `put` made for this content in this bucket; anything else is nothing of ours. */
function keyIn(bucket: string, uri: string, { sha256 }: Content): string | undefined {
  const [, found, key] = /^s3:\/\/([^/]+)\/(tasks\/task_[0-9a-f]{32}\/[0-9a-f]{64})$/.exec(uri) ?? [];
  return found === bucket && key?.endsWith(`/${sha256}`) ? key : undefined;
}

const expected = ({ sha256, sizeBytes }: Content) => ({
  checksum: Buffer.from(sha256, "hex").toString("base64"),
  sizeBytes,
});

const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const notFound = (bucket: string, { sha256 }: Content) =>
  new RefusedError("artifact.not_found", `no content with sha256 ${sha256} is kept in bucket ${bucket}`);
