import { RefusedError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import type { PlacedJob } from "../adapter.ts";
import { refuseOutside } from "../placed-job.ts";
import { targetChecks } from "./checks/target-checks.ts";
import { saidContract } from "./contract.ts";
import { isContractLess, neededDetail, regionOf, roleOf } from "./place.ts";
import { namedRuntime } from "./task-runtime.ts";

/** The workspace of our image. */
const WORKSPACE = "/workspace";

type Options = {
  region: string | undefined;
  environment: Readonly<Record<string, string>> | undefined;
  assertCallable: (job: PlacedJob) => void;
};

/**
 * Refuses what can be known to fail without asking anybody. Throws RefusedError `task.target_incomplete`, `policy.denied`
 * or `adapter.unsupported`, InvalidInputError.
 */
export function assertPossible(job: PlacedJob, { region, environment = {}, assertCallable }: Options): void {
  saidContract(job);
  neededRegion(job, region);
  const reuse = job.target.details?.reuse;
  if (reuse !== undefined && typeof reuse !== "boolean")
    throw new RefusedError("task.target_incomplete", `target.details.reuse is ${JSON.stringify(reuse)}`, {
      hint: "it is true, or false for a runtime that no other task uses",
    });
  if (job.target.mode === "session") namedRuntime(job);
  else {
    neededDetail(job, "ecrImageUri");
    if (roleOf(job) === undefined) neededDetail(job, "executionRoleArn");
  }
  const wrong = targetChecks(job).find(({ status }) => status === "fail");
  if (wrong)
    throw new RefusedError("task.target_incomplete", wrong.message, {
      hint: "check_cloud_agent_runtime checks a target without a task",
    });
  if (isContractLess(job)) assertCallable(job);
  // What a runtime that exists calls its workspace is known to itself.
  else
    refuseOutside(
      job.target.mode === "session" ? { unknown: true } : (environment[environmentVariables.workspace] ?? WORKSPACE),
      job,
    );
}

/** Where a target is. Throws RefusedError `task.target_incomplete`. */
export function neededRegion(placed: Parameters<typeof regionOf>[0], fallback: string | undefined): string {
  const region = regionOf(placed, fallback);
  if (region !== undefined) return region;
  throw new RefusedError("task.target_incomplete", "no region is known for the task", {
    hint: "set region in the account of the configuration, or in target.details",
  });
}
