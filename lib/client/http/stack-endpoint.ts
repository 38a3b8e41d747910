import { DispatchError, RefusedError, RetryableError } from "../../contract/errors.ts";
import type { Stack } from "./aws.ts";
import type { Credentials } from "./sign.ts";
import type { StackEndpoint } from "./stack-cache.ts";

/**
 * What CloudFormation says of a stack's endpoint: its outputs `Endpoint` and `Region`. Throws RefusedError
 * `endpoint.address_invalid` when there is none of that name, or `endpoint.forbidden`, `endpoint.unauthenticated`,
 * `endpoint.unreachable`.
 */
export async function askStack(stack: Stack, credentials: () => Promise<Credentials>): Promise<StackEndpoint> {
  const { outputs, region } = await readOutputs(stack, credentials);
  const endpoint = outputs.get("Endpoint");
  if (endpoint) return { endpoint, region: outputs.get("Region") ?? region };
  throw new RefusedError("endpoint.address_invalid", `the stack ${stack.stack} has no output Endpoint`, {
    hint: "name the stack that the deployment of agent-dispatch printed, or wait until it is deployed",
  });
}

/** The outputs of a stack by their names, and the region in which it is. Throws as `askStack` does. */
export async function readOutputs(
  stack: Stack,
  credentials: () => Promise<Credentials>,
): Promise<{ outputs: Map<string | undefined, string | undefined>; region: string }> {
  const { stackOutputs } = await import("./aws.ts");
  return stackOutputs(stack, credentials).catch((error) => {
    throw explain(error, stack);
  });
}

/** By the names of the service's errors: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html */
function explain(error: unknown, { stack, region, profile }: Stack): DispatchError {
  if (error instanceof DispatchError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const where = region ? ` in ${region}` : "";
  if (/region is missing/i.test(message))
    return new RefusedError("endpoint.address_invalid", "nothing says in which region the stack is", {
      hint: "name it with --region",
      cause: error,
    });
  if (name === "ValidationError")
    return new RefusedError("endpoint.address_invalid", `there is no stack ${stack}${where} in this account`, {
      hint: "name its region with --region and its account with --profile",
      cause: error,
    });
  if (name === "AccessDenied" || name === "AccessDeniedException")
    return new RefusedError("endpoint.forbidden", `the outputs of the stack ${stack} may not be read`, {
      hint: "the caller's policy needs cloudformation:DescribeStacks; or give the address with --endpoint",
      cause: error,
    });
  if (/ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSignature/.test(name))
    return new RefusedError("endpoint.unauthenticated", `AWS refuses the credentials: ${name}`, {
      hint: `log in again with: aws sso login${profile ? ` --profile ${profile}` : ""}; look at the clock of this machine too`,
      cause: error,
    });
  return new RetryableError(
    "endpoint.unreachable",
    `CloudFormation does not say where the stack ${stack} is: ${name}`,
    {
      hint: "look at the network, or give the address with --endpoint",
      cause: error,
    },
  );
}
