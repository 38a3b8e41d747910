import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { enforcePolicy, refuseCredentials } from "../../lib/config/policy.ts";
import { forbiddenPaths } from "../../lib/contract/credentials.ts";
import { RefusedError } from "../../lib/contract/errors.ts";
import { parseConfiguration } from "../fixtures/configuration.ts";

const refusal = (action: () => void): RefusedError | undefined => {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
};

const names = "accessKeyId secretAccessKey sessionToken apiKey clientSecret privateKey password token".split(" ");
/** A spelling of a credential's name: any case, with `_` and `-` anywhere. */
const credentialName = fc
  .constantFrom(
    ...names,
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "DEV_AWS_SECRET_ACCESS_KEY",
    "AWS_SECURITY_TOKEN_2",
  )
  .chain((name) =>
    fc
      .tuple(
        ...[...name].map((char) =>
          fc.tuple(fc.constantFrom(char.toLowerCase(), char.toUpperCase()), fc.constantFrom("", "", "_", "-")),
        ),
      )
      .map((chars) => chars.flat().join("")),
  );
const harmlessName = fc.constantFrom(
  "a",
  "tokens",
  "maxTokens",
  "token_count",
  "passwords",
  "__proto__",
  "constructor",
  "AWS_REGION",
  "AWS_PROFILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_KEYSPACES_TABLE",
);
const step = fc.oneof(fc.nat({ max: 3 }), harmlessName);

/** A value that holds `inner` at that place, own fields only, whatever they are called. */
const wrap = (path: (string | number)[], inner: unknown): unknown =>
  path.reduceRight<unknown>(
    (value, key) =>
      typeof key === "number"
        ? [...Array(key).fill(0), value]
        : Object.defineProperty({ other: 1 }, key, { value, enumerable: true }),
    inner,
  );

describe("credentials", () => {
  test("a key that names one is refused at any depth, in any spelling, and its value is never told", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), credentialName, (path, name) => {
        const error = refusal(() => refuseCredentials(wrap([...path, name], "hunter2")));
        expect(error?.code).toBe("policy.denied");
        expect(error?.details).toEqual({ paths: [[...path, name].join(".").slice(0, 300)] });
        expect(JSON.stringify(error?.problem)).not.toContain("hunter2");
      }),
    );
  });

  test("other names pass, whatever their values", () => {
    fc.assert(
      fc.property(fc.array(step), fc.constantFrom("password", "token=x", 7, null, true), (path, value) => {
        expect(refusal(() => refuseCredentials(wrap(path, value)))).toBeUndefined();
      }),
    );
  });

  test("every place is found, also in something very deep or very wide", () => {
    expect(forbiddenPaths({ b: [{ token: 1 }, { c: { Password: { api_key: 2 } } }], a: null })).toEqual([
      "b.0.token",
      "b.1.c.Password",
      "b.1.c.Password.api_key",
    ]);
    const deep: unknown = JSON.parse(`${'{"a":'.repeat(3000)}{"token":1}${"}".repeat(3000)}`);
    expect(forbiddenPaths(deep)).toHaveLength(1);
    expect(forbiddenPaths(Array.from({ length: 100_000 }, () => ({ token: 1 })))).toHaveLength(100_000);
    expect(refusal(() => refuseCredentials({ ["x".repeat(100_000)]: { token: 1 } }))?.message.length).toBeLessThan(
      2000,
    );
  });
});

describe("rules", () => {
  const some = <T>(...values: T[]) => fc.option(fc.subarray(values), { nil: undefined });
  const withoutUndefined = <T extends object>(value: T) =>
    Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
  const rule = fc
    .record({
      effect: fc.constantFrom("allow", "deny"),
      providers: some("aws", "local"),
      accountProfiles: some("a", "b"),
      capabilities: some("agent-runtime"),
      taskTypes: some("agent.run", "command.run"),
      targetModes: some("session", "runtime"),
      reason: fc.option(fc.constantFrom("because", "not here"), { nil: undefined }),
    })
    .map(withoutUndefined);
  const policy = fc
    .record({ defaultEffect: fc.constantFrom("allow", "deny"), rules: fc.array(rule, { maxLength: 6 }) })
    .map((policy) => parseConfiguration({ policy }).policy);
  const subject = fc.record({
    provider: fc.constantFrom("aws", "local"),
    accountProfile: fc.constantFrom("a", "b", "constructor"),
    capability: fc.constant("agent-runtime"),
    taskType: fc.constantFrom("agent.run", "command.run"),
    targetMode: fc.constantFrom("session", "runtime"),
  });
  const fields = [
    ["providers", "provider"],
    ["accountProfiles", "accountProfile"],
    ["capabilities", "capability"],
    ["taskTypes", "taskType"],
    ["targetModes", "targetMode"],
  ] as const;

  test("the first that matches decides, and without one the default effect", () => {
    fc.assert(
      fc.property(policy, subject, (policy, subject) => {
        let effect: string = policy.defaultEffect;
        let decided: number | undefined;
        for (const [index, rule] of policy.rules.entries()) {
          const fits = fields.every(
            ([list, field]) => (rule[list] as string[] | undefined)?.includes(subject[field]) ?? true,
          );
          if (!fits) continue;
          effect = rule.effect;
          decided = index;
          break;
        }
        const route = { ...subject, target: { details: { workspace: "/home" } }, limits: {} };
        const error = refusal(() => enforcePolicy(policy, route));
        expect(error !== undefined).toBe(effect === "deny");
        if (!error) return;
        expect(error).toMatchObject({ code: "policy.denied", retryable: false });
        const rule = decided === undefined ? undefined : { index: decided, ...policy.rules[decided] };
        // A route has more than what rules look at, and none of that belongs into an answer
        expect(error.details).toEqual({ ...(rule && { rule }), fields: subject });
        const reason = decided === undefined ? undefined : policy.rules[decided]?.reason;
        if (reason) expect(error.message).toContain(reason);
      }),
    );
  });

  test("a list that is empty matches nothing, and a rule without lists everything", () => {
    const aTask = {
      provider: "local",
      accountProfile: "a",
      capability: "agent-runtime",
      taskType: "command.run",
      targetMode: "session",
    };
    const { policy } = parseConfiguration({
      policy: { rules: [{ effect: "deny", providers: [] }, { effect: "allow" }, { effect: "deny" }] },
    });
    expect(refusal(() => enforcePolicy(policy, aTask))).toBeUndefined();
  });
});
