import { RefusedError } from "../contract/errors.ts";

const arnPattern = /^arn:(aws(?:-[a-z]+){0,3}):(iam|sts)::(\d{12}):([\x21-\x7e]{1,600})$/;

const name = "[\\w+=,.@-]";
/** The session name is the caller's choice, so it says nothing, but for Identity Center. */
const assumedRole = new RegExp(`^assumed-role/(${name}{1,64})/(${name}{2,64})$`);
/** Identity Center makes these roles, and makes a session's name of who signed in. */
const permissionSet = new RegExp(`^AWSReservedSSO_(${name}{1,32})_[0-9a-f]{16}$`);
const user = new RegExp(`^user/(?:[\\x21-\\x7e]{1,510}/)?${name}{1,64}$`);

/**
 * The owner of what a caller dispatches, from the ARN that AWS gives for who signed the request. A user of Identity Center
 * stays the same when the permission set is assigned anew; all sessions of any other role are one owner; an IAM user or
 * root is its ARN. Throws RefusedError `caller.unsupported` for everything else.
 *
 * @example
 * ownerOf("arn:aws:sts::123456789012:assumed-role/deployer/run-17"); // arn:aws:sts::123456789012:assumed-role/deployer
 */
export function ownerOf(principal: string | undefined): string {
  const [, partition, service, account, resource = ""] = arnPattern.exec(principal ?? "") ?? [];
  if (service === "iam" && principal !== undefined && (resource === "root" || user.test(resource))) return principal;
  const [, role, session] = (service === "sts" && assumedRole.exec(resource)) || [];
  if (role === undefined) {
    throw new RefusedError("caller.unsupported", "the caller is no IAM user, role session or root of an AWS account", {
      hint: "sign the request with the credentials of an IAM role, an IAM user or an Identity Center user",
    });
  }
  const base = `arn:${partition}:sts::${account}:assumed-role`;
  const [, set] = permissionSet.exec(role) ?? [];
  // No other owner has a name that ends in a user: a role's has no second slash.
  return set === undefined ? `${base}/${role}` : `${base}/AWSReservedSSO_${set}/${session}`;
}
