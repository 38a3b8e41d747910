import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";
import type { Placement } from "../../adapter.ts";
import { type AccountProfile, sourceProblem } from "../account/account.ts";
import type { Clients } from "../account/clients.ts";
import type { DigestOf } from "../images/digests.ts";
import { detail, regionOf } from "../place.ts";
import { parseRuntimeArn } from "../resources.ts";
import { accountChecks } from "./account-checks.ts";
import { fail, pass, reasonOf, type Within } from "./checks.ts";
import { contractChecks, saidContractCheck } from "./contract-check.ts";
import { environmentCheck } from "./environment-check.ts";
import { modelCheck } from "./model-check.ts";
import { quotaCheck } from "./quota-check.ts";
import { reuseCheck } from "./reuse-check.ts";
import { runtimeChecks } from "./runtime-checks.ts";
import { targetChecks } from "./target-checks.ts";

/** All live checks together; whoever waits for the answer has ten seconds. */
const LIVE_MS = 8000;

type Options = {
  live: boolean;
  region?: string | undefined;
  /** Longest time for which a call of a runtime without the contract can be held, in seconds. */
  holdSeconds: number;
  /** What the configuration sets for the workers of this placement. */
  environment?: Readonly<Record<string, string>> | undefined;
  /** What a worker of ours has there. */
  frameworks: readonly string[];
  /** What the name of an image stands for. */
  digestOf: DigestOf;
};
type Asking = { account: AccountProfile; clients: Clients };

/** Whether a task could run there. Never throws; with `live` it asks AWS, for eight seconds at most. */
export async function check(asking: Asking, placement: Placement, options: Options): Promise<Check[]> {
  const { environment = {}, frameworks, holdSeconds } = options;
  const region = regionOf(placement, options.region);
  const problem = sourceProblem(asking.account);
  const checks = [
    region === undefined
      ? fail("region", "no region is set: give it in the account of the configuration, or in target.details.region")
      : pass("region", region),
    ...targetChecks(placement),
    ...environmentCheck(environment, placement),
    ...saidContractCheck(placement),
    ...(problem ? [fail("credentials", reasonOf(problem))] : []),
  ];
  const isLive = options.live && region !== undefined && !problem;
  const { known, asked } = isLive
    ? await liveChecks(asking, placement, region, options.digestOf)
    : { known: {}, asked: [] };
  return [...checks, ...asked, ...contractChecks(placement, known, { holdSeconds, frameworks })];
}

/** Side by side, because all of them wait for somebody else. */
async function liveChecks(asking: Asking, placement: Placement, region: string, digestOf: DigestOf) {
  const within = boundBy(AbortSignal.timeout(LIVE_MS));
  const runtime = placement.target.mode === "session" ? parseRuntimeArn(detail(placement, "runtimeArn")) : undefined;
  const [account, { known, checks }, quota, model, reuse] = await Promise.all([
    accountChecks(asking, placement, region, within),
    runtime ? runtimeChecks(asking.clients, placement, runtime, within) : { known: {}, checks: [] },
    quotaCheck(asking.clients, placement, region, within),
    modelCheck(asking.clients, placement, region, within),
    reuseCheck(placement, digestOf, within),
  ]);
  // Of another account, or without credentials, the rest would say the same in other words, or what is not so.
  const isElsewhere = account.some(({ status }) => status === "fail");
  return isElsewhere
    ? { known: {}, asked: account }
    : { known, asked: [...account, ...checks, quota, ...model, ...reuse] };
}

function boundBy(limit: AbortSignal): Within {
  const late = new Promise<never>((_, reject) => {
    limit.addEventListener("abort", () => reject(new Error("there was no answer in time")), { once: true });
  });
  late.catch(() => {});
  return (asked) => Promise.race([asked, late]);
}
