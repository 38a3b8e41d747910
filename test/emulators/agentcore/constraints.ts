import * as z from "zod";
import type { ErrorType } from "./wire.ts";

/**
 * The constraints that the service publishes for what the adapter sends.
 * https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_CreateAgentRuntime.html
 */
const clientToken = z
  .string()
  .min(33)
  .max(256)
  .regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,256}$/);
const seconds = z.number().int().min(60).max(28_800);

export const createSchema = z.strictObject({
  agentRuntimeName: z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]{0,47}$/),
  agentRuntimeArtifact: z.strictObject({
    containerConfiguration: z.strictObject({
      containerUri: z
        .string()
        .max(1024)
        .regex(/^(\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com|public\.ecr\.aws)\/[a-z0-9._/-]+([:@][\w.:-]+)*$/),
    }),
  }),
  roleArn: z.string().regex(/^arn:aws(-[^:]+)?:iam::\d{12}:role\/.+$/),
  networkConfiguration: z.strictObject({ networkMode: z.literal("PUBLIC") }),
  clientToken,
  protocolConfiguration: z.strictObject({ serverProtocol: z.enum(["HTTP", "MCP", "A2A", "AGUI"]) }),
  lifecycleConfiguration: z
    .strictObject({ idleRuntimeSessionTimeout: seconds, maxLifetime: seconds })
    .refine((value) => value.idleRuntimeSessionTimeout <= value.maxLifetime, "idle must not exceed maxLifetime"),
  environmentVariables: z
    .record(z.string().min(1).max(100), z.string().max(5000))
    .refine((value) => Object.keys(value).length <= 50 && JSON.stringify(value).length <= 4096, "environment too large")
    .optional(),
  tags: z
    .record(z.string().max(128), z.string().max(256))
    .refine(
      (value) =>
        Object.entries(value)
          .flat()
          .every((text) => /^[a-zA-Z0-9\s._:/=+@-]*$/.test(text)),
      "charset",
    )
    .optional(),
  platformVersion: z.enum(["V1", "V2"]).optional(),
});
export type CreateRequest = z.infer<typeof createSchema>;

/** https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_InvokeAgentRuntime.html */
export const sessionIdSchema = z.string().min(33).max(256);
export const qualifierSchema = z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]{0,47}$/);
export const commandSchema = z.strictObject({
  command: z.string().min(1).max(65_536),
  timeout: z.number().int().min(1).max(3600).optional(),
});
export const stopSchema = z.strictObject({ clientToken: z.string().min(33).max(256).optional() });

const common = ["AccessDeniedException", "ThrottlingException", "InternalServerException"] as const;
const invoking = [
  ...common,
  "ServiceQuotaExceededException",
  "RetryableConflictException",
  "ValidationException",
  "RuntimeClientError",
  "ResourceNotFoundException",
] as const;
const reading = [...common, "ValidationException", "ResourceNotFoundException"] as const;

/** The errors of each operation, as the service's models list them. */
export const errorsOf = {
  CreateAgentRuntime: [...common, "ServiceQuotaExceededException", "ConflictException", "ValidationException"],
  GetAgentRuntime: reading,
  GetAgentRuntimeEndpoint: reading,
  ListAgentRuntimes: [...common, "ValidationException"],
  ListTagsForResource: reading,
  DeleteAgentRuntime: [...common, "ConflictException", "ResourceNotFoundException"],
  InvokeAgentRuntime: invoking,
  InvokeAgentRuntimeCommand: invoking,
  GetAgentCard: invoking,
  StopRuntimeSession: [...invoking, "ConflictException"],
} as const satisfies Record<string, readonly ErrorType[]>;
export type Operation = keyof typeof errorsOf;
