import type { CloudSystem } from "../emulators/cloud-system.ts";
import { witnessed } from "../emulators/requests/witness.ts";
import { Policies } from "../infra/policies.ts";
import { cloudConfiguration } from "./cloud-under-test.ts";

/** The policies of a stack that were deployed as this cloud. */
export function policiesOf({ table, bucket, deployed }: Pick<CloudSystem, "table" | "bucket" | "deployed">) {
  const { sharedRuntimeArn, workerRoleArn } = deployed;
  const { allowed } = cloudConfiguration(deployed);
  const tableArn = `arn:aws:dynamodb:us-west-2:123456789012:table/${table}`;
  return Policies.of({ allowed }, { tableArn, bucket, sharedRuntimeArn, workerRoleArn });
}

/** What the functions have done so far although the policies would not have let them; empty when nothing. */
export const forbidden = (policies: Policies): string[] =>
  [...witnessed].flatMap(([name, all]) =>
    [...all.values()]
      .filter((asked) => policies.decide(name, asked) !== "allowed")
      .map(({ action, resource, context }) => `${name} ${action} ${resource} ${JSON.stringify(context)}`),
  );

/** What each function is allowed and has not done so far, as `function action`. */
export const unused = (policies: Policies): string[] =>
  policies.functions.flatMap((name) => {
    const done = new Set([...(witnessed.get(name)?.values() ?? [])].map(({ action }) => action));
    const allowed = new Set((policies.statements.get(name) ?? []).flatMap(({ actions }) => actions));
    return [...allowed].filter((action) => !done.has(action)).map((action) => `${name} ${action}`);
  });
