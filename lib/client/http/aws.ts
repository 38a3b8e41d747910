import { exec } from "node:child_process";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { fromIni } from "@aws-sdk/credential-provider-ini";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { externalDataInterceptor } from "@smithy/core/config";
import { clientConfig } from "./outgoing.ts";
import type { Credentials } from "./sign.ts";

/**
 * What of the SDK of AWS a client needs: the one part of it that takes long to load. It throws what the SDK throws, so that it
 * can be a bundle of its own, without our classes.
 */

/** How long a process may take to give credentials. */
const PROCESS_MS = 60_000;

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

/** A stack, where it is, and whose it is; what is not said the SDK finds as it always does. */
export type Stack = { stack: string; region: string | undefined; profile: string | undefined };

/** The outputs of a stack by their names, and the region in which it is. Throws what the SDK throws. */
export async function stackOutputs({ stack, region, profile }: Stack, credentials: () => Promise<Credentials>) {
  const client = new CloudFormationClient({
    credentials,
    ...clientConfig,
    ...(region !== undefined && { region }),
    ...(profile !== undefined && { profile }),
  });
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stack }));
    const outputs = Stacks?.[0]?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue] as const);
    return { outputs: new Map(outputs), region: await client.config.region() };
  } finally {
    client.destroy();
  }
}
