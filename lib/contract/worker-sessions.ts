import * as z from "zod";

/**
 * Names the session of a request, as AgentCore does:
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-sessions.html
 */
export const SESSION_HEADER = "x-amzn-bedrock-agentcore-runtime-session-id";

export const sessionIdSchema = z.string().regex(/^[a-z0-9-]{8,64}$/);

/** Where a session of a worker on this machine is opened (PUT, with `openSessionSchema`) and ended (DELETE). */
export const sessionPath = (sessionId: string): string => `/sessions/${sessionId}`;

/** All that a session is given: its folders are among its environment, and nothing of it goes anywhere else. */
export const openSessionSchema = z.object({ environment: z.record(z.string(), z.string()) });

export const openedSchema = z.object({ bootId: z.string().min(1).max(200) });
export const endedSchema = z.object({ ended: z.literal(true) });
