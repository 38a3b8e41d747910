import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { factsOf } from "../../contract/error-codes.ts";
import { DispatchError, RefusedError, RetryableError } from "../../contract/errors.ts";
import { type Content, checkedContent, checkedTaskId } from "../content.ts";
import type { Artifacts } from "../port.ts";
import { nameContent } from "./artifact-names.ts";
import { ContentStore } from "./content-store.ts";
import { signGrant, verifyGrant } from "./upload-token.ts";

const UPLOAD_MS = 15 * 60_000;

type Options = {
  /** Where `acceptUpload` is served, without a slash at the end; asked for when an address is made. */
  baseUrl: () => string;
  /** Signs upload addresses; the same after a restart, or those given out before are refused. */
  secret: Uint8Array;
  /** Epoch milliseconds. */
  now?: () => number;
};

export type LocalArtifacts = Artifacts & {
  /**
   * Answers `PUT <baseUrl>/artifacts/<token>`: 200 with `{sha256, sizeBytes}`, else `{error}`; never throws. `expected` is
   * called once the token has proved genuine, before the body is read.
   */
  acceptUpload(request: Request, expected?: () => void): Promise<Response>;
};

/**
 * Artifacts as files: `content/` by sha256, and copies by task and name under `tasks/`, for people to open.
 * Throws RetryableError `platform.artifacts_unavailable` when the folder cannot be used.
 */
export function openArtifacts(folder: string, { baseUrl, secret, now = Date.now }: Options): LocalArtifacts {
  const store = new ContentStore(folder, now());

  const uri = async (taskId: string, name: string, content: Content) => {
    const path = await nameContent(store, join(folder, "tasks", checkedTaskId(taskId)), name, content);
    return pathToFileURL(path).href;
  };

  const receive = async (request: Request, expected?: () => void): Promise<Response> => {
    if (request.method !== "PUT") throw new RefusedError("artifact.method", "an artifact is sent with PUT");
    const token = /\/artifacts\/([^/]+)$/.exec(new URL(request.url).pathname)?.[1] ?? "";
    const { sha256, sizeBytes } = verifyGrant(secret, token, now());
    expected?.();
    const announced = request.headers.get("content-length");
    if (announced !== null && Number(announced) !== sizeBytes)
      throw new RefusedError("artifact.wrong_size", `the content must be ${sizeBytes} bytes long, not ${announced}`);
    return Response.json(await store.save(request.body ?? [], { sha256, sizeBytes }));
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
      const token = signGrant(secret, { ...grant, expiresAtMs: now() + UPLOAD_MS });
      return { url: `${baseUrl()}/artifacts/${token}`, headers: { "content-type": "application/octet-stream" } };
    },

    async has(_taskId, artifact) {
      return store.holds(checkedContent(artifact));
    },

    async uriOf(taskId, artifact) {
      return uri(taskId, artifact.name, checkedContent(artifact));
    },

    async acceptUpload(request, expected) {
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
  return Response.json({ error: known.problem }, { status, headers: status === 405 ? { allow: "PUT" } : {} });
}

function interrupted(cause: unknown): RetryableError {
  return new RetryableError("artifact.interrupted", "the upload ended before all of it had come", { cause });
}
