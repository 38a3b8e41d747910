import { type DispatchError, RefusedError } from "../../contract/errors.ts";
import type { Refusal } from "./door.ts";
import { explainStatus, textOf } from "./refusal.ts";
import type { Scope } from "./scope.ts";

/** Who asked for what, where an answer is explained. */
export type Asked = { name: string; scope: Scope; renewHint: string };

/**
 * What the gateways of AWS say to a request whose signature or whose caller they refuse, and what to do about it.
 * https://repost.aws/knowledge-center/api-gateway-iam-sigv4-mismatch
 */
export function explainSigned(refusal: Refusal, { name, scope, renewHint }: Asked): DispatchError {
  const { status } = refusal;
  if (status !== 401 && status !== 403) return explainStatus(name, refusal);
  const said = textOf(refusal);
  const type = refusal.headers["x-amzn-errortype"]?.split(":")[0] ?? "";
  const unauthenticated = (message: string, hint: string) =>
    new RefusedError("endpoint.unauthenticated", message, { hint });

  if (/^Signature (expired|not yet current)/.test(said))
    return unauthenticated(
      `${name} refuses the time of the signature: ${said}`,
      "the clock of this machine is wrong: set it, or let the system set it from the network",
    );
  if (/scoped to/.test(said))
    return unauthenticated(
      `${name} refuses a signature for ${scope.service} in ${scope.region}: ${said}`,
      "name the region of the endpoint with --region (AWS_REGION says it otherwise)",
    );
  if (type === "ExpiredTokenException" || /security token .* expired/.test(said))
    return unauthenticated(`the credentials for ${name} have expired`, renewHint);
  if (type === "UnrecognizedClientException" || /security token .* invalid/.test(said))
    return unauthenticated(`${name} does not know the access key of these credentials`, renewHint);
  if (type === "MissingAuthenticationTokenException" || said === "Missing Authentication Token")
    return new RefusedError("endpoint.failed", `${name} is no address of the API: it says ${said}`, {
      hint: "look at the stage and the path: the address is the output Endpoint of the stack, which ends with /live/mcp",
    });
  if (/request signature/.test(said) || type === "InvalidSignatureException" || type === "IncompleteSignatureException")
    return unauthenticated(
      `${name} says that the signature does not match`,
      "the secret access key does not belong to the access key, or a proxy on the way changes requests: check the credentials",
    );
  return forbidden(name, said, refusal);
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html */
function forbidden(name: string, said: string, refusal: Refusal): DispatchError {
  const [, who, action, resource] =
    /^User: (\S+) is not authorized to perform: ([\w:-]+)(?: on resource: (\S+))?/.exec(said) ?? [];
  if (!who || !action) {
    const error = explainStatus(name, refusal);
    if (refusal.status === 401) return error;
    return error.with({
      hint: "the caller may lack a permission (execute-api:Invoke; for a function URL lambda:InvokeFunctionUrl and lambda:InvokeFunction), or the address is of an API that is gone",
    });
  }
  const statement = { Effect: "Allow", Action: action, Resource: whole(resource, who) };
  const isDenied = said.includes("explicit deny");
  return new RefusedError("endpoint.forbidden", `${who} may not use ${name}: ${action} is missing`, {
    hint: isDenied
      ? `a policy denies ${action} to it explicitly: have that statement changed, or use another identity with --profile`
      : `its IAM policy needs the statement ${JSON.stringify(statement)}; or use another identity with --profile`,
    details: { identity: who, action, resource: statement.Resource },
  });
}

/** The gateway shows the last four digits of an account. That of the caller stands in for one that ends the same, else any. */
function whole(resource: string | undefined, who: string): string {
  const account = who.split(":")[4] ?? "";
  return (resource ?? "*").replace(/\*{4,}(\d{4})/, (_, end: string) =>
    /^\d{12}$/.test(account) && account.endsWith(end) ? account : "*",
  );
}
