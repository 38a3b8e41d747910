import { startStandIn } from "./requests/stand-in.ts";

type Options = {
  region: string;
  identities: Record<string, string>;
  /** Outputs by the name of the stack; a stack may be changed, added and taken away. */
  stacks: Record<string, Record<string, string>>;
  /** How a stack stands, by its name, where that is not `UPDATE_COMPLETE`. */
  statuses?: Record<string, string>;
};

/**
 * CloudFormation, for the outputs of stacks and how they stand, on a free port of this machine.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
 *
 * Left out: every other operation, pages, stacks that are being made or have been deleted, and what is denied.
 */
export async function startCloudFormation({ region, identities, stacks, statuses = {} }: Options) {
  const asked: string[] = [];
  const service = await startStandIn({
    name: "cloudformation",
    region,
    identities,
    contentType: "text/xml",
    operationOf: (_request, body) => new URLSearchParams(body.toString()).get("Action") ?? "",
    errorBody: (code, message) =>
      `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
    answer({ operation, body }) {
      const name = new URLSearchParams(body.toString()).get("StackName") ?? "";
      asked.push(name);
      const outputs = operation === "DescribeStacks" ? stacks[name] : undefined;
      if (!outputs) return { status: 400, code: "ValidationError", message: `Stack with id ${name} does not exist` };
      const members = Object.entries(outputs).map(
        ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
      );
      return {
        status: 200,
        body: `<DescribeStacksResponse xmlns="${NAMESPACE}"><DescribeStacksResult><Stacks><member><StackName>${name}</StackName><CreationTime>2026-11-20T10:00:00Z</CreationTime><StackStatus>${statuses[name] ?? "UPDATE_COMPLETE"}</StackStatus><Outputs>${members.join("")}</Outputs></member></Stacks></DescribeStacksResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeStacksResponse>`,
      };
    },
  });
  return { ...service, /** Names of the stacks that were asked for, in order. */ asked };
}

const NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
