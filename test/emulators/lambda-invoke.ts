import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import type { DeployedFunction } from "./lambda-runner.ts";
import { listen } from "./requests/listen.ts";
import { type Flaw, flawOf, type Identities } from "./requests/signature.ts";

type Options = {
  region: string;
  identities: Identities;
  functions: Record<string, DeployedFunction>;
  /** Access keys whose policies do not allow it. */
  denied?: ReadonlySet<string>;
};

const flaws: Readonly<Partial<Record<Flaw, string>>> = {
  missing: "MissingAuthenticationTokenException",
  malformed: "IncompleteSignatureException",
  unknown_key: "UnrecognizedClientException",
};

/**
 * Lambda's operation Invoke, for functions that are invoked for their answer, on a free port of this machine.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 *
 * Left out: events that nobody waits for, dry runs, qualifiers, the end of the log, limits of payloads, throttling, resource
 * policies.
 */
export async function startLambdaInvoke({ region, identities, functions, denied = new Set() }: Options) {
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined);
    if (!body) return undefined;
    const refuse = (status: number, type: string, Message: string) =>
      response
        .writeHead(status, { "content-type": "application/json", "x-amzn-errortype": type })
        .end(JSON.stringify({ Message }));
    const flaw = await flawOf(request, body, { service: "lambda", region, identities, nowMs: Date.now() });
    if (flaw) return refuse(403, flaws[flaw] ?? "InvalidSignatureException", `The request signature is ${flaw}`);
    const [, name = ""] = /^\/2015-03-31\/functions\/([\w-]+)\/invocations$/.exec(request.url ?? "") ?? [];
    const arn = `arn:aws:lambda:${region}:123456789012:function:${name}`;
    const [, key = ""] = /Credential=([^/]+)/.exec(String(request.headers.authorization)) ?? [];
    if (denied.has(key)) {
      const who = "arn:aws:sts::123456789012:assumed-role/Developer/somebody";
      const said = `User: ${who} is not authorized to perform: lambda:InvokeFunction on resource: ${arn} because no identity-based policy allows the lambda:InvokeFunction action`;
      return refuse(403, "AccessDeniedException", said);
    }
    const deployed = request.method === "POST" && Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (!deployed) return refuse(404, "ResourceNotFoundException", `Function not found: ${arn}`);
    const answer = await deployed.invoke(JSON.parse(body.toString()));
    const failed = answer.headers.get("x-amz-function-error");
    // That a handler failed is an answer too.
    response.writeHead(200, {
      "content-type": "application/json",
      "x-amz-executed-version": "$LATEST",
      ...(failed !== null && { "x-amz-function-error": failed }),
    });
    return response.end(await answer.text());
  });
  return listen(server);
}
