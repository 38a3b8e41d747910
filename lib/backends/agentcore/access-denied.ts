import { RefusedError } from "../../contract/errors.ts";
import { accountIn } from "./account/account.ts";

type Denied = { action: string; accountProfile?: string };

/**
 * What AWS denied, and who has to allow it: as the message says, which names the caller, the action and the resource.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export function accessDenied(error: Error, { action, accountProfile = "<name>" }: Denied): RefusedError {
  const { message } = error;
  const caller = /User: (arn:\S+)/.exec(message)?.[1];
  const missing = /perform: ([\w-]+:\w+)/.exec(message)?.[1] ?? `bedrock-agentcore:${action}`;
  const resource = /on resource: (arn:[^\s"']+)/.exec(message)?.[1];
  const allow = `allow ${missing}${caller ? ` to ${caller}` : ""}`;
  const callers = caller && accountIn(caller);
  const theirs = resource && accountIn(resource);
  let hint = `${allow} on the runtime and on its endpoints (runtime/<id> and runtime/<id>/*)`;
  if (missing === "iam:PassRole")
    hint =
      `${allow} on ${resource ?? "target.details.executionRoleArn"}, where iam:PassedToService is ` +
      "bedrock-agentcore.amazonaws.com, or name another role in target.details.executionRoleArn";
  if (callers && theirs && callers !== theirs)
    hint =
      `the credentials are of account ${callers} and ${resource} is in account ${theirs}: give ` +
      `accounts.${accountProfile}.roleArn, a role of account ${theirs} that ${caller} may assume`;
  return new RefusedError("platform.access_denied", `AWS denied ${action}: ${message}`, {
    hint,
    details: { action: missing, ...(resource && { resource }) },
    cause: error,
  });
}
