import type { Configuration } from "../contract/configuration.ts";
import { forbiddenPaths } from "../contract/credentials.ts";
import { RefusedError } from "../contract/errors.ts";

/** Throws RefusedError `policy.denied` if a call carries a credential, naming where and never what. */
export function refuseCredentials(call: unknown): void {
  const paths = forbiddenPaths(call).map((path) => path.slice(0, 300));
  if (paths.length === 0) return;
  throw new RefusedError("policy.denied", `credentials never travel in a call: ${paths.slice(0, 5).join(", ")}`, {
    hint: "give the worker a role, or name the secret's place instead of the secret",
    details: { paths: paths.slice(0, 20) },
  });
}

/** What policy rules look at. */
export type PolicySubject = {
  provider: string;
  accountProfile: string;
  capability: string;
  taskType: string;
  targetMode: string;
};

/**
 * Applies the rules, first match wins. Throws RefusedError `policy.denied` with the rule that decided, none for the default
 * effect, and the fields that it looked at.
 */
export function enforcePolicy(policy: Configuration["policy"], subject: PolicySubject): void {
  const matches = (allowed: readonly string[] | undefined, value: string) => !allowed || allowed.includes(value);
  const index = policy.rules.findIndex(
    (rule) =>
      matches(rule.providers, subject.provider) &&
      matches(rule.accountProfiles, subject.accountProfile) &&
      matches(rule.capabilities, subject.capability) &&
      matches(rule.taskTypes, subject.taskType) &&
      matches(rule.targetModes, subject.targetMode),
  );
  const rule = policy.rules[index];
  const { provider, accountProfile, capability, taskType, targetMode } = subject;
  if ((rule?.effect ?? policy.defaultEffect) === "allow") return;
  const reason = rule?.reason ?? (rule ? "a rule of the policy denies it" : "no rule of the policy allows it");
  throw new RefusedError("policy.denied", `denied by policy: ${reason}`, {
    hint: `the policy is in the configuration file, under policy.${rule ? `rules[${index}]` : "defaultEffect"}`,
    details: {
      ...(rule && { rule: { index, ...rule } }),
      fields: { provider, accountProfile, capability, taskType, targetMode },
    },
  });
}
