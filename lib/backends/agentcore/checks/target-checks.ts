import type { Protocol } from "../../../contract/kinds.ts";
import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";
import { workerProtocols } from "../../../contract/worker.ts";
import type { Placement } from "../../adapter.ts";
import { accountIn } from "../account/account.ts";
import { detail, isContractLess, NO_CONTRACT, protocolOf, roleOf } from "../place.ts";
import { IMAGE_ISSUE, isRoleArn, parseImage, ROLE_ISSUE, runtimeIssue } from "../resources.ts";
import { fail, pass } from "./checks.ts";

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
  const issue = runtimeIssue(arn);
  return [issue === undefined ? pass("runtime_arn", arn) : fail("runtime_arn", `target.details.runtimeArn: ${issue}`)];
}

/** A runtime that is made speaks one protocol from its beginning, and our worker must be there to answer. */
export function workerCheck(protocol: Protocol): Check {
  if (workerProtocols.some((known) => known === protocol)) return pass("protocol", `the worker speaks ${protocol}`);
  const message =
    `the worker of this project does not speak ${protocol}, it speaks ${workerProtocols.join(", ")}: set target.protocol ` +
    `to that, or target.details.contract to ${NO_CONTRACT} if the image is of another agent`;
  return fail("protocol", message);
}

function imageCheck(image: string): Check {
  const known = parseImage(image);
  if (!known) return fail("image", `target.details.ecrImageUri ${IMAGE_ISSUE}`);
  const { account, region } = known;
  return pass("image", `${image}${account ? ` (account ${account}, ${region})` : ""}`);
}

function roleCheck(role: string): Check {
  if (isRoleArn(role)) return pass("role", `${role} (account ${accountIn(role)})`);
  return fail("role", `target.details.executionRoleArn ${ROLE_ISSUE}`);
}
