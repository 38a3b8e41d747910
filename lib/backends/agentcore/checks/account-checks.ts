import { failureOf, identityHint } from "../../../aws/sdk-errors.ts";
import { DispatchError } from "../../../contract/errors.ts";
import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";
import type { Placement } from "../../adapter.ts";
import { type AccountProfile, accountIn, profileIn } from "../account/account.ts";
import type { Tokens } from "../account/assumed-role.ts";
import type { Clients } from "../account/clients.ts";
import { detail, roleOf } from "../place.ts";
import { parseImage, parseRuntimeArn } from "../resources.ts";
import { fail, pass, reasonOf, type Within, warn } from "./checks.ts";

type Caller = { arn: string; account: string };

/**
 * Who asks AWS, and whether what the target names is in that account: what `credentials` and `account` say.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export async function accountChecks(
  { account, clients }: { account: AccountProfile; clients: Clients },
  placement: Placement,
  region: string,
  within: Within,
): Promise<Check[]> {
  const [asked, assumed] = await Promise.allSettled([
    within(clients.tokens(account.region ?? region).then(whoAmI)),
    within(assume(account, clients, region)),
  ]);
  const credentials = credentialsCheck(asked, account);
  if (credentials.status === "fail") return [credentials];
  if (assumed.status === "rejected") return [credentials, fail("account", reasonOf(assumed.reason))];
  const caller = asked.status === "fulfilled" ? asked.value.account : undefined;
  const mine = account.roleArn === undefined ? caller : accountIn(account.roleArn);
  return [credentials, whereCheck(account, placement, mine)];
}

async function whoAmI({ client, GetCallerIdentityCommand }: Tokens): Promise<Caller> {
  const { Arn = "", Account = "" } = await client.send(new GetCallerIdentityCommand({}));
  return { arn: Arn, account: Account };
}

/** Assumes the role that the account profile names, if it names one; whoever asks next finds it assumed. */
async function assume({ roleArn }: AccountProfile, clients: Clients, region: string): Promise<void> {
  if (roleArn !== undefined) await (await clients.controlPlane(region)).client.config.credentials();
}

function credentialsCheck(asked: PromiseSettledResult<Caller>, { name, credentialSource }: AccountProfile): Check {
  if (asked.status === "fulfilled") {
    const { arn, account } = asked.value;
    return pass("credentials", `${arn} of account ${account}`);
  }
  const error: unknown = asked.reason;
  if (error instanceof DispatchError) return fail("credentials", reasonOf(error));
  const profile = profileIn(credentialSource);
  const login = profile === undefined ? "`aws sso login`" : `\`aws sso login --profile ${profile}\``;
  if (failureOf(error) === "credentials")
    return fail(
      "credentials",
      `${reasonOf(error)}; accounts.${name}.credentialSource is ${credentialSource}: ${identityHint(error)}, for instance with ${login}`,
    );
  return warn("credentials", `AWS STS could not be asked whose they are: ${reasonOf(error)}`);
}

/** A role must be in the account of the runtime that gets it; a repository may allow another account. */
function whereCheck({ name, roleArn }: AccountProfile, placement: Placement, mine: string | undefined): Check {
  const isSession = placement.target.mode === "session";
  const image = detail(placement, "ecrImageUri");
  const runtimes = parseRuntimeArn(detail(placement, "runtimeArn"))?.account;
  const role = roleOf(placement);
  const roles = role === undefined ? undefined : accountIn(role);
  const images = image === undefined ? undefined : parseImage(image)?.account;
  if (mine === undefined) return warn("account", "it is not known which account the credentials belong to");
  const [what, theirs] = isSession ? (["the runtime", runtimes] as const) : (["the execution role", roles] as const);
  if (theirs !== undefined && theirs !== mine)
    return fail(
      "account",
      roleArn === undefined
        ? `${what} is in account ${theirs}, the credentials are of account ${mine}: give accounts.${name}.roleArn, a role of account ${theirs} to assume`
        : `${what} is in account ${theirs}, and accounts.${name}.roleArn, ${roleArn}, in account ${mine}: both must be in the same`,
    );
  if (!isSession && images !== undefined && images !== mine)
    return warn(
      "account",
      `the image is in account ${images}, not ${mine}: its repository must allow account ${mine} to pull, or accounts.${name}.roleArn name a role of account ${images}`,
    );
  return pass("account", roleArn === undefined ? `account ${mine}` : `account ${mine}, as ${roleArn}`);
}
