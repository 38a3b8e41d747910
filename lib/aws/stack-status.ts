import { addressOf, type Connection } from "./connection.ts";

/**
 * Those in which all that a stack has made goes: it is deleted, or it could not be made.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
 */
const ENDS: readonly unknown[] = ["DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"];

/**
 * Whether CloudFormation is taking away the whole stack of that id. A resource is deleted for other reasons too: an update takes it
 * out of the template, or an update that would have added it fails. Throws what the SDK throws.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes-delete.html
 */
export async function isStackEnding(connection: Connection, stackId: string): Promise<boolean> {
  const sdk = await import("@aws-sdk/client-cloudformation");
  const client = new sdk.CloudFormationClient({ ...addressOf(connection), maxAttempts: 5 });
  try {
    const { Stacks } = await client.send(new sdk.DescribeStacksCommand({ StackName: stackId }));
    return ENDS.includes(Stacks?.[0]?.StackStatus);
  } finally {
    client.destroy();
  }
}
