import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";
import type { Placement } from "../../adapter.ts";
import { accountIn } from "../account/account.ts";
import { detail, isContractLess, protocolOf, roleOf } from "../place.ts";
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
    ...(isContractLess(placement) ? [] : [pass("protocol", `the worker speaks ${protocolOf(placement)}`)]),
  ];
}

function sessionChecks(placement: Placement): Check[] {
  const arn = detail(placement, "runtimeArn");
  if (arn === undefined) return [];
  const issue = runtimeIssue(arn);
  return [issue === undefined ? pass("runtime_arn", arn) : fail("runtime_arn", `target.details.runtimeArn: ${issue}`)];
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
