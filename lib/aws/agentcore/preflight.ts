import type { GetAgentRuntimeResponse } from "@aws-sdk/client-bedrock-agentcore-control";
import { toProblem } from "../../domain/errors.ts";
import type { Check, Placement } from "../../domain/ports.ts";
import type { Clients } from "./clients.ts";
import { getRuntime } from "./known-runtimes.ts";
import { detail, isOfOneTask, parseRuntimeArn, type RuntimeRef, regionOf, roleOf, serverProtocolOf } from "./place.ts";
import { explain } from "./problems.ts";

/** All live checks together; whoever waits for the answer has ten seconds. */
const LIVE_MS = 8000;

const rolePattern = /^arn:aws(-[^:]+)?:iam::\d{12}:role\/.+$/;
/** https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_ContainerConfiguration.html */
const imagePattern = /^(\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?|public\.ecr\.aws)\/[a-z0-9._/-]+([:@].+)?$/;

type Options = { live: boolean; region: string | undefined };

/** Whether a task could run there. Never throws; with `live` it asks AWS, for eight seconds at most. */
export async function check(clients: Clients, placement: Placement, options: Options): Promise<Check[]> {
  const region = regionOf(placement, options.region);
  const checks = [
    region === undefined
      ? fail("region", "no region is set: give it in the account of the configuration, or in target.details.region")
      : pass("region", region),
    ...(placement.target.mode === "session" ? sessionChecks(placement) : runtimeChecks(placement)),
  ];
  if (!options.live || region === undefined) return checks;
  const limit = AbortSignal.timeout(LIVE_MS);
  const late = new Promise<never>((_, reject) => {
    limit.addEventListener("abort", () => reject(new Error("there was no answer in time")), { once: true });
  });
  late.catch(() => {});
  const within = <T>(asked: Promise<T>): Promise<T> => Promise.race([asked, late]);

  const credentials = await credentialsCheck(clients, region, within);
  checks.push(credentials);
  const runtime = parseRuntimeArn(detail(placement, "runtimeArn"));
  if (credentials.status !== "fail" && placement.target.mode === "session" && runtime)
    checks.push(...(await liveChecks(clients, placement, runtime, limit, within)));
  return checks;
}

type Within = <T>(asked: Promise<T>) => Promise<T>;

async function credentialsCheck(clients: Clients, region: string, within: Within): Promise<Check> {
  try {
    const { client } = await within(clients.controlPlane(region));
    const { accountId } = await within(client.config.credentials());
    return pass("credentials", accountId ? `credentials of account ${accountId}` : "the SDK finds credentials");
  } catch (error) {
    return fail("credentials", `${reasonOf(error)}; configure them, for instance with \`aws sso login\``);
  }
}

function sessionChecks(placement: Placement): Check[] {
  const arn = detail(placement, "runtimeArn");
  // Its absence is reported with the other settings.
  if (arn === undefined) return [];
  const runtime = parseRuntimeArn(arn);
  if (!runtime) return [fail("runtime_arn", "target.details.runtimeArn is not the ARN of an AgentCore runtime")];
  if (isOfOneTask(runtime)) return [fail("runtime_arn", "this runtime was made for one task; name another")];
  return [pass("runtime_arn", arn)];
}

function runtimeChecks(placement: Placement): Check[] {
  const image = detail(placement, "ecrImageUri");
  const role = roleOf(placement);
  return [
    ...(image === undefined
      ? []
      : [
          imagePattern.test(image)
            ? pass("image", image)
            : fail("image", "target.details.ecrImageUri must name an image in Amazon ECR"),
        ]),
    ...(role === undefined
      ? []
      : [
          rolePattern.test(role)
            ? pass("role", role)
            : fail("role", "target.details.executionRoleArn must be the ARN of an IAM role"),
        ]),
  ];
}

async function liveChecks(
  clients: Clients,
  placement: Placement,
  runtime: RuntimeRef,
  limit: AbortSignal,
  within: Within,
): Promise<Check[]> {
  try {
    const plane = await within(clients.controlPlane(runtime.region));
    const seen = await within(getRuntime(plane, runtime, limit));
    if (!seen) return [fail("runtime", `there is no runtime ${runtime.arn}; check its account and region`)];
    return [readiness(seen), protocol(placement, seen), metadataService(seen)];
  } catch (error) {
    return [fail("runtime", reasonOf(explain(error, { action: "GetAgentRuntime", runtimeId: runtime.id })))];
  }
}

function readiness({ status, failureReason }: GetAgentRuntimeResponse): Check {
  if (status === "READY") return pass("runtime", "the runtime is READY");
  return fail("runtime", `the runtime is ${status}${failureReason ? `: ${failureReason}` : ""}`);
}

function protocol(placement: Placement, { protocolConfiguration }: GetAgentRuntimeResponse): Check {
  const spoken = protocolConfiguration?.serverProtocol ?? "HTTP";
  const wanted = serverProtocolOf(placement);
  if (spoken === wanted) return pass("protocol", `the runtime speaks ${spoken}`);
  return fail("protocol", `the runtime speaks ${spoken}, not ${wanted}; set target.protocol to what it speaks`);
}

/** https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-troubleshooting.html */
function metadataService({ metadataConfiguration }: GetAgentRuntimeResponse): Check {
  if (metadataConfiguration?.requireMMDSV2 === true) return pass("mmdsv2", "the runtime requires MMDSv2");
  if (metadataConfiguration?.requireMMDSV2 === false)
    return fail("mmdsv2", "AgentCore invokes no runtime without MMDSv2; update it with requireMMDSV2 = true");
  return warn("mmdsv2", "AgentCore does not say whether the runtime requires MMDSv2, which invoking it needs");
}

function reasonOf(error: unknown): string {
  const problem = toProblem(error);
  if (problem.code === "platform.internal") return error instanceof Error ? error.message : String(error);
  return problem.hint === undefined ? problem.message : `${problem.message}; ${problem.hint}`;
}

const pass = (name: string, message: string): Check => ({ name, status: "pass", message });
const warn = (name: string, message: string): Check => ({ name, status: "warn", message });
const fail = (name: string, message: string): Check => ({ name, status: "fail", message });
