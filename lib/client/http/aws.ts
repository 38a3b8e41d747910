import { exec } from "node:child_process";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { fromIni } from "@aws-sdk/credential-provider-ini";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { externalDataInterceptor } from "@smithy/core/config";
import { DispatchError, RefusedError, RetryableError } from "../../contract/errors.ts";
import type { Credentials } from "./sign.ts";

/** What of the SDK of AWS a client needs: the one part of it that takes long to load. */

/** How long a process may take to give credentials. */
const PROCESS_MS = 60_000;
/** How long a service of AWS may take to be reached, and to answer. */
const ANSWER_MS = 10_000;
const clientConfig = {
  requestHandler: { connectionTimeout: ANSWER_MS, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true },
};

/**
 * A process that gives credentials gets the end of its input at once: with ours it would read what clients say to the bridge,
 * and with one that never ends it would wait for ever.
 */
function execWithoutInput(
  command: string,
  done: (error: Error | null, output?: { stdout: string; stderr: string }) => void,
): void {
  const child = exec(command, { timeout: PROCESS_MS }, (error, stdout, stderr) => done(error, { stdout, stderr }));
  child.stdin?.on("error", () => {}).end();
}
// How the SDK lets others start the process for it.
Object.assign(externalDataInterceptor.getTokenRecord(), { exec: execWithoutInput });

/** The credentials of the standard chain, or of a profile, read afresh. Throws what the SDK throws. */
export async function loadCredentials(profile: string | undefined): Promise<Credentials> {
  // Who names a profile means no other identity, should that one have no credentials.
  const provide =
    profile === undefined
      ? defaultProvider({ ignoreCache: true, clientConfig })
      : fromIni({ ignoreCache: true, clientConfig, profile });
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provide();
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    ...(expiration !== undefined && { expiration }),
  };
}

type Stack = { stack: string; region: string | undefined; profile: string | undefined };

/**
 * The outputs `Endpoint` and `Region` of a stack. Throws RefusedError `endpoint.address_invalid` when there is none of that
 * name, or `endpoint.forbidden`, `endpoint.unauthenticated`, `endpoint.unreachable`.
 */
export async function stackEndpoint({ stack, region, profile }: Stack, credentials: () => Promise<Credentials>) {
  const client = new CloudFormationClient({
    credentials,
    ...clientConfig,
    ...(region !== undefined && { region }),
    ...(profile !== undefined && { profile }),
  });
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stack }));
    const outputs = new Map(Stacks?.[0]?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
    const endpoint = outputs.get("Endpoint");
    if (!endpoint)
      throw new RefusedError("endpoint.address_invalid", `the stack ${stack} has no output Endpoint`, {
        hint: "name the stack that the deployment of agent-dispatch printed, or wait until it is deployed",
      });
    return { endpoint, region: outputs.get("Region") ?? (await client.config.region()) };
  } catch (error) {
    throw explainStack(error, { stack, region, profile });
  } finally {
    client.destroy();
  }
}

/** By the names of the service's errors: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html */
function explainStack(error: unknown, { stack, region, profile }: Stack): DispatchError {
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
