import type { IncomingMessage, ServerResponse } from "node:http";
import { EventStreamCodec } from "@smithy/core/event-streams";
import type * as z from "zod";

/** Statuses of the service's errors: https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/CommonErrors.html */
const statuses = {
  ValidationException: 400,
  ServiceQuotaExceededException: 402,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
  ConflictException: 409,
  RetryableConflictException: 409,
  RuntimeClientError: 424,
  ThrottlingException: 429,
  InternalServerException: 500,
} as const;
export type ErrorType = keyof typeof statuses;

/** An answer that is an error, as the service words it. */
export class ServiceError extends Error {
  readonly type: ErrorType;
  constructor(type: ErrorType, message: string) {
    super(message);
    this.type = type;
  }
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ServiceError("ValidationException", `${what}.${issue?.path.join(".")}: ${issue?.message}`);
}

export function parseJson(body: Buffer): unknown {
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString());
  } catch {
    throw new ServiceError("ValidationException", "the body is not JSON");
  }
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const known =
    error instanceof ServiceError ? error : new ServiceError("InternalServerException", `the emulator: ${error}`);
  response
    .writeHead(statuses[known.type], { "content-type": "application/json", "x-amzn-errortype": known.type })
    .end(JSON.stringify({ message: known.message }));
}

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString(),
  (text) => Buffer.from(text),
);

/** One event of `application/vnd.amazon.eventstream`. */
export const encodeEvent = (event: string, data: unknown): Uint8Array =>
  codec.encode({
    headers: {
      ":message-type": { type: "string", value: "event" },
      ":event-type": { type: "string", value: event },
      ":content-type": { type: "string", value: "application/json" },
    },
    body: Buffer.from(JSON.stringify(data)),
  });

/** The event that the output of commands comes in. */
export const encodeChunk = (chunk: unknown): Uint8Array => encodeEvent("chunk", chunk);
