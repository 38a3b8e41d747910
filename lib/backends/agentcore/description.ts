import * as z from "zod";
import { regionSchema } from "../../contract/configuration.ts";
import { protocols, serverProtocols } from "../../contract/kinds.ts";
import { targetNames } from "../../contract/tools/aliases.ts";
import { CONTRACT } from "../../contract/worker.ts";
import type { BackendDescription } from "../description.ts";
import { environmentSchema } from "../worker-environment.ts";
import { NO_CONTRACT } from "./place.ts";
import { IMAGE_ISSUE, isRoleArn, parseImage, ROLE_ISSUE, repositoryOf, runtimeIssue } from "./resources.ts";

/** A text of which `issueOf` says what is wrong; a blank one is as if it were left out. */
const text = (issueOf: (text: string) => string | undefined = () => undefined) =>
  z
    .string()
    .max(2048)
    .superRefine((value, { addIssue }) => {
      const message = value.trim() === "" ? undefined : issueOf(value.trim());
      if (message !== undefined) addIssue({ code: "custom", message });
    })
    .optional();
const role = text((arn) => (isRoleArn(arn) ? undefined : ROLE_ISSUE));

const details = z.strictObject({
  region: regionSchema.optional(),
  /** The runtime whose sessions are used, and its endpoint. */
  runtimeArn: text(runtimeIssue),
  qualifier: text(),
  /** What a runtime is made from, and the role that it gets. */
  ecrImageUri: text((image) => (parseImage(image) ? undefined : IMAGE_ISSUE)),
  executionRoleArn: role,
  defaultExecutionRoleArn: role,
  protocol: z.enum(protocols).optional(),
  /** Whether the runtime has the worker contract, and what it speaks if not. */
  contract: z.enum([CONTRACT, NO_CONTRACT]).optional(),
  serverProtocol: z.enum(Object.values(serverProtocols)).optional(),
  /** The tool of an MCP server that takes a job. */
  tool: text(),
  environment: environmentSchema.optional(),
  /** Whether a task in mode `runtime` may use a runtime that others use as well; false makes one for it alone. */
  reuse: z.boolean().optional(),
});

const images = { list: "repositories", what: "image repository" };
const roles = { list: "roles", what: "role" };

/** Runtimes of Amazon Bedrock AgentCore: one made for each task, or a session of one that exists. */
export const agentCore: BackendDescription = {
  name: "aws-agentcore",
  provider: "aws",
  targetModes: ["runtime", "session"],
  protocols,
  details: () => details,
  needs: [
    {
      name: "runtimeArn",
      modes: ["session"],
      question: "Which AgentCore runtime should it run on? Give its ARN.",
    },
    {
      name: "ecrImageUri",
      modes: ["runtime"],
      question: "Which container image should the runtime be made from? Give its ECR URI.",
    },
    {
      name: "executionRoleArn",
      modes: ["runtime"],
      question: "Which IAM role should the runtime run as? Give its ARN.",
      otherwise: "defaultExecutionRoleArn",
    },
  ],
  guarded: {
    runtimeArn: { list: "runtimes", what: "runtime" },
    // A pattern without a tag or digest matches every image of its repository.
    ecrImageUri: { ...images, spellings: (image) => [image, repositoryOf(image)] },
    executionRoleArn: roles,
    defaultExecutionRoleArn: roles,
  },
  configurationOnly: ["environment"],
  keepsWarm: true,
  aliases: targetNames,
  // An image without a runtime can only become a new runtime.
  usualMode: ({ ecrImageUri, runtimeArn }) =>
    ecrImageUri !== undefined && runtimeArn === undefined ? "runtime" : "session",
};

/** The same where a stack deploys it: there agents reach the endpoint. */
export const deployedAgentCore: BackendDescription = { ...agentCore, reachesSystem: true };
