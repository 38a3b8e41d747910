import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { factsOf } from "../../contract/error-codes.ts";
import { DispatchError, RefusedError, RetryableError } from "../../contract/errors.ts";
import { RETENTION_DAYS } from "../../contract/task.ts";
import { type Content, checkedContent, checkedTaskId } from "../content.ts";
import type { Artifacts } from "../port.ts";
import { nameContent } from "./artifact-names.ts";
import { ContentStore } from "./content-store.ts";
import { type Grant, signGrant, verifyGrant } from "./upload-token.ts";

const ADDRESS_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

type Options = {
  /** Where `serve` is reached, without a slash at the end; asked for when an address is made. */
  baseUrl: () => string;
  /** Signs upload addresses; the same after a restart, or those given out before are refused. */
  secret: Uint8Array;
  /** Epoch milliseconds. */
  now?: () => number;
  /** Days for which a task stays readable; what a conversation keeps goes a day later. */
  retentionDays?: number;
};

export type LocalArtifacts = Artifacts & {
  /**
   * Answers `PUT <baseUrl>/artifacts/<token>`: 200 with `{sha256, sizeBytes}`, and `GET` of a token that may read: 200 with the
   * content; else `{error}`. Never throws. `expected` is called once the token has proved genuine, before a body is read.
   */
  serve(request: Request, expected?: () => void): Promise<Response>;
};

/**
 * Artifacts as files: `content/` by sha256, and copies by task and name under `tasks/`, for people to open.
 * Throws RetryableError `platform.artifacts_unavailable` when the folder cannot be used.
 */
export function openArtifacts(
  folder: string,
  { baseUrl, secret, now = Date.now, retentionDays = RETENTION_DAYS }: Options,
): LocalArtifacts {
  const store = ContentStore.prepared(folder, now());
  let kept: ContentStore | undefined;
  const conversations = () => {
    kept ??= ContentStore.prepared(join(folder, "conversations"), now());
    return kept;
  };
  const storeOf = (artifact: { private?: true | undefined }) => (artifact.private ? conversations() : store);
  let sweptAtMs = 0;
  /** Never later than a day after its time. */
  const sweep = async () => {
    if (now() - sweptAtMs < DAY_MS) return;
    sweptAtMs = now();
    await conversations().removeUntouchedSince(now() - (retentionDays + 1) * DAY_MS);
  };
  const sweepLater = () => void sweep().catch(() => {});
  sweepLater();
  const addressOf = (grant: Omit<Grant, "expiresAtMs">) =>
    `${baseUrl()}/artifacts/${signGrant(secret, { ...grant, expiresAtMs: now() + ADDRESS_MS })}`;

  const uri = async (taskId: string, name: string, content: Content) => {
    const path = await nameContent(store, join(folder, "tasks", checkedTaskId(taskId)), name, content);
    return pathToFileURL(path).href;
  };

  const receive = async (request: Request, expected?: () => void): Promise<Response> => {
    const token = /\/artifacts\/([^/]+)$/.exec(new URL(request.url).pathname)?.[1] ?? "";
    const grant = verifyGrant(secret, token, now());
    const { sha256, sizeBytes } = grant;
    expected?.();
    const allow = grant.reads ? "GET" : "PUT";
    if (request.method !== allow)
      throw new RefusedError("artifact.method", `this is an address for ${allow} alone`, { details: { allow } });
    if (grant.reads) return storeOf(grant).send({ sha256, sizeBytes });
    sweepLater();
    const announced = request.headers.get("content-length");
    if (announced !== null && Number(announced) !== sizeBytes)
      throw new RefusedError("artifact.wrong_size", `the content must be ${sizeBytes} bytes long, not ${announced}`);
    return Response.json(await storeOf(grant).save(request.body ?? [], { sha256, sizeBytes }));
  };

  return {
    async put(taskId, name, content, _contentType) {
      checkedTaskId(taskId);
      const saved = await store.save([content]);
      return { uri: await uri(taskId, name, saved), ...saved };
    },

    async get({ sha256, sizeBytes }) {
      return store.read(checkedContent({ sha256, sizeBytes }));
    },

    async uploadTarget(taskId, artifact) {
      const { sha256, sizeBytes } = checkedContent(artifact);
      const grant = { taskId: checkedTaskId(taskId), artifactId: artifact.id, sha256, sizeBytes };
      const url = addressOf({ ...grant, ...(artifact.private && { private: true }) });
      return { url, headers: { "content-type": "application/octet-stream" } };
    },

    async downloadTarget(taskId, given) {
      const content = checkedContent(given);
      if (!(await conversations().hasFile(conversations().pathOf(content.sha256)))) return undefined;
      const grant = { taskId: checkedTaskId(taskId), artifactId: "conversation", ...content };
      return { url: addressOf({ ...grant, private: true, reads: true }), headers: {} };
    },

    async has(_taskId, artifact) {
      return storeOf(artifact).holds(checkedContent(artifact));
    },

    async uriOf(taskId, artifact) {
      return uri(taskId, artifact.name, checkedContent(artifact));
    },

    async serve(request, expected) {
      try {
        return await receive(request, expected);
      } catch (error) {
        // Nobody will read the rest; a body that is being read, or has ended, cannot be cancelled and need not be.
        await request.body?.cancel().catch(() => {});
        return refusal(error);
      }
    },
  };
}

function refusal(error: unknown): Response {
  // What is not ours came from the body: the sender went away.
  const known = error instanceof DispatchError ? error : interrupted(error);
  const status = factsOf(known.code).httpStatus;
  return Response.json(
    { error: known.problem },
    { status, headers: status === 405 ? { allow: String(known.details?.allow) } : {} },
  );
}

function interrupted(cause: unknown): RetryableError {
  return new RetryableError("artifact.interrupted", "the upload ended before all of it had come", { cause });
}
