import { text as readText } from "node:stream/consumers";
import { DispatchError, RefusedError } from "../../contract/errors.ts";
import { isObject, parseJsonObject } from "../../contract/json.ts";
import { problemSchema } from "../../contract/said-problem.ts";
import { type OperatorAnswer, type OperatorRequest, operatorAnswers } from "../../contract/stopping/operator.ts";
import { CredentialSource } from "../http/credentials.ts";
import { post } from "../http/post.ts";
import { signedDoor } from "../http/signed-door.ts";
import { readOutputs } from "../http/stack-endpoint.ts";

type Env = Readonly<Record<string, string | undefined>>;
/** Which stack, and whose credentials invoke its function. */
export type StackPlace = { stack: string; region?: string | undefined; profile?: string | undefined };

/** The output that names the function. */
const OUTPUT = "OperatorFunctionArn";

/**
 * Asks the function for operators of a stack, which the caller's own credentials invoke: they need `lambda:InvokeFunction` on
 * it, and `cloudformation:DescribeStacks` to find it. Everything that may be asked may be asked again. Throws DispatchError
 * of the family `endpoint.*`, and what the function answers. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export async function askOperator<Request extends OperatorRequest>(
  { stack, profile, ...given }: StackPlace,
  request: Request,
  env: Env,
): Promise<OperatorAnswer<Request["operation"]>> {
  const credentials = new CredentialSource(profile, env);
  const named = given.region || env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined;
  const { outputs, region } = await readOutputs({ stack, region: named, profile }, () => credentials.get());
  const arn = outputs.get(OUTPUT);
  if (!arn)
    throw new RefusedError("endpoint.address_invalid", `the stack ${stack} has no output ${OUTPUT}`, {
      hint: "name the stack that the deployment of agent-dispatch printed; one that an older version deployed has to be deployed again",
    });
  const door = signedDoor({ endpoint: addressOf(arn, region, env), region, service: "lambda" }, env, credentials);
  const body = Buffer.from(JSON.stringify(request));
  const answer = await post(door, { headers: { "content-type": "application/json" }, body }, { mayRepeat: true });
  const said = parseJsonObject(await readText(answer.body));
  if (answer.headers["x-amz-function-error"] !== undefined || said === undefined)
    throw new RefusedError("endpoint.failed", `the function for operators of the stack ${stack} failed`, {
      hint: `its log group /aws/lambda/${stack}/operator says why`,
    });
  if (isObject(said.error)) throw new DispatchError(problemSchema.parse(said.error));
  return operatorAnswers[request.operation].parse(said) as OperatorAnswer<Request["operation"]>;
}

/** Where a function is invoked; AWS's SDKs are told of a stand-in by the same variables. */
function addressOf(arn: string, region: string, env: Env): string {
  const [, partition = "aws", , , , , name = ""] = arn.split(":");
  const suffix = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  const base = env.AWS_ENDPOINT_URL_LAMBDA || env.AWS_ENDPOINT_URL || `https://lambda.${region}.${suffix}`;
  return `${base}/2015-03-31/functions/${encodeURIComponent(name)}/invocations`;
}
