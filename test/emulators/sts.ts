import { startStandIn } from "./requests/stand-in.ts";

type Identity = { secretAccessKey: string; arn: string };
type Role = { trusts: string[]; accessKeyId: string; secretAccessKey: string; seconds?: number };
type Options = { region: string; identities: Record<string, Identity>; roles?: Record<string, Role> };

/**
 * STS, for who asks and for roles to assume, on a free port of this machine.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 *
 * Left out: every other operation, session policies and tags, external ids, MFA, and conditions in trust policies.
 */
export async function startSts({ region, identities, roles = {} }: Options) {
  const assumed: { roleArn: string; session: string | null }[] = [];
  const service = await startStandIn({
    name: "sts",
    region,
    identities: Object.fromEntries(
      Object.entries(identities).map(([id, { secretAccessKey }]) => [id, secretAccessKey]),
    ),
    contentType: "text/xml",
    operationOf: (_request, body) => new URLSearchParams(body.toString()).get("Action") ?? "",
    errorBody: (code, message) =>
      `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
    answer({ operation, body, accessKeyId }) {
      const arn = identities[accessKeyId]?.arn ?? "";
      if (operation === "GetCallerIdentity")
        return ok(operation, `<Arn>${arn}</Arn><UserId>AIDA</UserId><Account>${arn.split(":")[4]}</Account>`);
      const asked = new URLSearchParams(body.toString());
      const roleArn = asked.get("RoleArn") ?? "";
      const role = roles[roleArn];
      if (operation !== "AssumeRole" || !role?.trusts.includes(arn)) {
        const message = `User: ${arn} is not authorized to perform: sts:${operation} on resource: ${roleArn}`;
        return { status: 403, code: "AccessDenied", message };
      }
      assumed.push({ roleArn, session: asked.get("RoleSessionName") });
      const expiration = new Date(Date.now() + (role.seconds ?? 3600) * 1000).toISOString();
      return ok(
        operation,
        `<Credentials><AccessKeyId>${role.accessKeyId}</AccessKeyId><SecretAccessKey>${role.secretAccessKey}</SecretAccessKey><SessionToken>session-token</SessionToken><Expiration>${expiration}</Expiration></Credentials>`,
      );
    },
  });
  return { ...service, /** Every role that was assumed, in order. */ assumed };
}

const ok = (operation: string, result: string) => ({
  status: 200,
  body: `<${operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${operation}Result>${result}</${operation}Result></${operation}Response>`,
});
