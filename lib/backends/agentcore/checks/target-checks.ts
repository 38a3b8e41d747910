import type { Protocol } from "../../../contract/kinds.ts";
import { workerProtocols } from "../../../contract/worker.ts";
import type { Check, Placement } from "../../adapter.ts";
import { accountIn } from "../account/account.ts";
import { detail, isContractLess, isOfOneTask, NO_CONTRACT, parseRuntimeArn, protocolOf, roleOf } from "../place.ts";
import { fail, pass } from "./checks.ts";

const rolePattern = /^arn:aws(-[^:]+)?:iam::\d{12}:role\/.+$/;
/** https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_ContainerConfiguration.html */
const imagePattern =
  /^(?:(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?|public\.ecr\.aws)\/[a-z0-9._/-]+([:@].+)?$/;

/** The account that a private repository of Amazon ECR belongs to. */
export const accountOfImage = (image: string): string | undefined => imagePattern.exec(image)?.[1];

/** What can be said of a target without asking anybody. What is missing is reported with the other settings. */
export function targetChecks(placement: Placement): Check[] {
  if (placement.target.mode === "session") return sessionChecks(placement);
  const image = detail(placement, "ecrImageUri");
  const role = roleOf(placement);
  return [
    ...(image === undefined ? [] : [imageCheck(image)]),
    ...(role === undefined ? [] : [roleCheck(role)]),
    ...(isContractLess(placement) ? [] : [workerCheck(protocolOf(placement))]),
  ];
}

function sessionChecks(placement: Placement): Check[] {
  const arn = detail(placement, "runtimeArn");
  if (arn === undefined) return [];
  const runtime = parseRuntimeArn(arn);
  if (!runtime) return [fail("runtime_arn", `target.details.runtimeArn: ${noRuntimeArn(arn)}`)];
  if (isOfOneTask(runtime)) return [fail("runtime_arn", "this runtime was made for one task; name another")];
  return [pass("runtime_arn", arn)];
}

/** Why a text is not the ARN of a runtime. */
export const noRuntimeArn = (arn: string): string =>
  /^arn:[^:]+:bedrock-agentcore:[^:]+:\d{12}:runtime\/[A-Za-z]\w*$/.test(arn)
    ? `${arn} lacks the end of the ARN: a dash and ten characters, which AgentCore has given the runtime`
    : `${arn} is not the ARN of an AgentCore runtime`;

/** A runtime that is made speaks one protocol from its beginning, and our worker must be there to answer. */
export function workerCheck(protocol: Protocol): Check {
  if (workerProtocols.some((known) => known === protocol)) return pass("protocol", `the worker speaks ${protocol}`);
  const message =
    `the worker of this project does not speak ${protocol}, it speaks ${workerProtocols.join(", ")}: set target.protocol ` +
    `to that, or target.details.contract to ${NO_CONTRACT} if the image is of another agent`;
  return fail("protocol", message);
}

function imageCheck(image: string): Check {
  const match = imagePattern.exec(image);
  if (!match)
    return fail(
      "image",
      "target.details.ecrImageUri must name an image in Amazon ECR, such as 123456789012.dkr.ecr.us-west-2.amazonaws.com/worker:1",
    );
  const [, account, region] = match;
  return pass("image", `${image}${account ? ` (account ${account}, ${region})` : ""}`);
}

function roleCheck(role: string): Check {
  if (rolePattern.test(role)) return pass("role", `${role} (account ${accountIn(role)})`);
  return fail("role", "target.details.executionRoleArn must be the ARN of an IAM role");
}
