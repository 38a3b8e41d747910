import { deflateRawSync, inflateRawSync } from "node:zlib";

/**
 * Text that tasks have in common, the most common last. It is part of the format of what is stored: an item can be read
 * only with the dictionary that it was written with, so this one never changes.
 */
const TASK_DICTIONARY = Buffer.from(
  [
    `"goal":"","caller":"","metadata":{},"parent":"task_","inputRef":{"uri":"","sizeBytes":,"sha256":"","env":{},"envNames":["`,
    `"code":"task.exit_code","message":"the program ended with exit code ","retryable":false,"hint":"","details":{`,
    `"code":"worker.lost","code":"task.timeout","retryable":true,"inputRequests":{},"usage":{"inputTokens":,"outputTokens":`,
    `"revivals":{"count":1,"atPhase":},"goneProofs":0,"lastProofAtMs":,"lease":{"holder":"","untilMs":`,
    `"progress":{"sequence":,"timestamp":"2026-","message":"","payload":{`,
    `{"id":"","name":"","kind":"file","contentType":"text/plain","sizeBytes":,"sha256":"","state":"pending","stored","createdAt":"`,
    `arn:aws:bedrock-agentcore:us-east-1::runtime/arn:aws:iam:::role/"providerRefs":{"runtimeArn":"","runtimeId":"","sessionId":"`,
    `"provider":"aws","accountProfile":"default","backend":"aws-agentcore","profile":"worker","target":{"mode":"runtime"`,
    `"taskType":"agent.run","input":{"instruction":"`,
    `"cancelling":"2026-","cancelled":"2026-","failed":"2026-","input_required":"2026-"`,
    `{"revision":1,"n":1,"provider":"local","accountProfile":"local","capability":"agent-runtime","backend":"local-process",`,
    `"backendName":"local","profile":"local","taskType":"command.run","target":{"mode":"session","protocol":"http","details":{}},`,
    `"input":{"command":"","args":[],"cwd":""},"limits":{"maxRunning":8,"maxRunningPerProfile":8,"timeoutSeconds":3600,`,
    `"graceSeconds":10,"maxDepth":3},"depth":0,"status":"succeeded","phases":{"queued":"2026-01-01T00:00:00.000Z",`,
    `"provisioning":"2026-01-01T00:00:00.000Z","starting":"2026-","running":"2026-","completing":"2026-","succeeded":"2026-"},`,
    `"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-","owes":{"slot":"local","session":"session-","runtime":""},`,
    `"session":{"id":"session-","state":"closed","open","uses":{"":17},"bootId":"","startAttemptedAtMs":17},`,
    `"workerSequence":100,"logLength":0,"artifacts":[],"deadlineAtMs":17,"dueAtMs":17,`,
    `"outcome":{"status":"succeeded","atMs":17},"result":{"exitCode":0,"output":"","ok":true,"text":""},"expiresAtSeconds":17`,
  ].join(""),
);

/** Text of at most this many bytes is not worth compressing: a write is charged by the kilobyte. */
const SHORT_BYTES = 700;

/** JSON of a task, a third as long: a task that is written many times is charged for its size each time. */
export const packTask = (json: string): Uint8Array => deflateRawSync(json, { dictionary: TASK_DICTIONARY });

export const unpackTask = (packed: Uint8Array): string =>
  inflateRawSync(packed, { dictionary: TASK_DICTIONARY }).toString();

/** Text as attributes of an item: as it is, compressed when long, or as UTF-16 when it holds half a surrogate pair. */
export function packText(text: string): { text: string } | { deflated: Uint8Array } | { utf16: Uint8Array } {
  // DynamoDB keeps strings as UTF-8, which cannot hold half a pair.
  if (!text.isWellFormed()) return { utf16: Buffer.from(text, "utf16le") };
  return text.length <= SHORT_BYTES / 3 || Buffer.byteLength(text) <= SHORT_BYTES
    ? { text }
    : { deflated: deflateRawSync(text) };
}

export function unpackText({ text, deflated, utf16 }: Record<string, unknown>): string {
  if (deflated instanceof Uint8Array) return inflateRawSync(deflated).toString();
  if (utf16 instanceof Uint8Array) return Buffer.from(utf16).toString("utf16le");
  return String(text);
}
