import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RefusedError } from "../../lib/contract/errors.ts";
import { ownerOf } from "../../lib/engine/owner.ts";

const STS = "arn:aws:sts::123456789012:assumed-role";
const SUFFIX = "0123456789abcdef";

const owners: [what: string, principal: string, owner: string][] = [
  ["a role's session", `${STS}/deployer/run-17`, `${STS}/deployer`],
  ["a role with every character", `${STS}/a+b=c,d.e@f-g_h/xy`, `${STS}/a+b=c,d.e@f-g_h`],
  ["an instance", `${STS}/web/i-0123456789abcdef0`, `${STS}/web`],
  [
    "a user of Identity Center",
    `${STS}/AWSReservedSSO_Admin_${SUFFIX}/ann@example.com`,
    `${STS}/AWSReservedSSO_Admin/ann@example.com`,
  ],
  [
    "a permission set with underscores",
    `${STS}/AWSReservedSSO_My_Set_${SUFFIX}_${SUFFIX}/ann`,
    `${STS}/AWSReservedSSO_My_Set_${SUFFIX}/ann`,
  ],
  ["a role that only looks like a set", `${STS}/AWSReservedSSO_Admin/ann`, `${STS}/AWSReservedSSO_Admin`],
  [
    "a set with another suffix",
    `${STS}/AWSReservedSSO_Admin_0123456789ABCDEF/ann`,
    `${STS}/AWSReservedSSO_Admin_0123456789ABCDEF`,
  ],
  ["a set without a name", `${STS}/AWSReservedSSO__${SUFFIX}/ann`, `${STS}/AWSReservedSSO__${SUFFIX}`],
  ["an IAM user", "arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:user/ann"],
  [
    "an IAM user below a path",
    "arn:aws:iam::123456789012:user/team/a:b/ann",
    "arn:aws:iam::123456789012:user/team/a:b/ann",
  ],
  ["root", "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root"],
  [
    "China",
    "arn:aws-cn:sts::123456789012:assumed-role/deployer/s1",
    "arn:aws-cn:sts::123456789012:assumed-role/deployer",
  ],
  [
    "GovCloud",
    `arn:aws-us-gov:sts::123456789012:assumed-role/AWSReservedSSO_A_${SUFFIX}/ann`,
    "arn:aws-us-gov:sts::123456789012:assumed-role/AWSReservedSSO_A/ann",
  ],
];

const refused: [what: string, principal: string | undefined][] = [
  ["nobody", undefined],
  ["an empty text", ""],
  ["an account", "123456789012"],
  ["a federated user", "arn:aws:sts::123456789012:federated-user/ann"],
  ["a role that was not assumed", "arn:aws:iam::123456789012:role/deployer"],
  ["a service", "lambda.amazonaws.com"],
  ["a group", "arn:aws:iam::123456789012:group/all"],
  ["a user of STS", "arn:aws:sts::123456789012:user/ann"],
  ["a session of IAM", "arn:aws:iam::123456789012:assumed-role/deployer/s1"],
  ["root of STS", "arn:aws:sts::123456789012:root"],
  ["a path in a role's name", `${STS}/path/deployer/s1`],
  ["a role without a session", `${STS}/deployer`],
  ["a role with an empty session", `${STS}/deployer/`],
  ["an empty role", `${STS}//s1`],
  ["a slash in the session", `${STS}/deployer/s1/s2`],
  ["a user without a name", "arn:aws:iam::123456789012:user/"],
  ["a path without a user", "arn:aws:iam::123456789012:user/team/"],
  ["a short account", "arn:aws:iam::12345:root"],
  ["a region", "arn:aws:iam:us-east-1:123456789012:root"],
  ["a foreign partition", "arn:gcp:iam::123456789012:root"],
  ["a line break at the end", `${STS}/deployer/s1\n`],
  ["another ARN in front", `x${STS}/deployer/s1`],
  ["letters that look alike", `${STS}/dеployer/s1`],
  ["a pattern", "arn:aws:iam::123456789012:*"],
];

describe("the owner", () => {
  test.each(owners)("of %s", (_, principal, owner) => {
    expect(ownerOf(principal)).toBe(owner);
  });

  test.each(refused)("is refused to %s", (_, principal) => {
    expect(() => ownerOf(principal)).toThrow(RefusedError);
    expect(() => ownerOf(principal)).toThrow(expect.objectContaining({ code: "caller.unsupported" }));
  });
});

const names = (min: number, max: number) =>
  fc.string({
    unit: fc.constantFrom(..."abcXYZ019_+=,.@-"),
    minLength: min,
    maxLength: max,
  });
const suffixes = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 16, maxLength: 16 });

test("whoever is behind a role, it is one owner, and no other role's", () => {
  fc.assert(
    fc.property(names(1, 64), names(1, 64), names(2, 64), names(2, 64), (role, other, session, later) => {
      fc.pre(!role.startsWith("AWSReservedSSO_") && role !== other);
      expect(ownerOf(`${STS}/${role}/${session}`)).toBe(ownerOf(`${STS}/${role}/${later}`));
      expect(ownerOf(`${STS}/${role}/${session}`)).not.toBe(ownerOf(`${STS}/${other}/${session}`));
    }),
  );
});

test("a user of Identity Center is one owner through all assignments of a set, and apart from everybody else", () => {
  fc.assert(
    fc.property(names(1, 32), names(2, 64), names(2, 64), suffixes, suffixes, (set, user, other, first, second) => {
      fc.pre(user !== other);
      const principal = (suffix: string, who: string) => `${STS}/AWSReservedSSO_${set}_${suffix}/${who}`;
      const owner = ownerOf(principal(first, user));
      expect(ownerOf(principal(second, user))).toBe(owner);
      expect(ownerOf(principal(first, other))).not.toBe(owner);
      // Nobody becomes this owner by the name of a role or a session of theirs.
      expect(ownerOf(`${STS}/AWSReservedSSO_${set}/${user}`)).not.toBe(owner);
    }),
  );
});

test("no text is half understood: it has an owner of the same account, or is refused", () => {
  const pieces = fc.constantFrom("arn:", "aws", ":iam:", ":sts:", ":", "/", "123456789012", "user/", "root", "a", "*");
  const texts = fc.oneof(
    fc.string(),
    fc.array(pieces).map((parts) => parts.join("")),
    fc.string().map((text) => `${STS}/${text}`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      let owner: string;
      try {
        owner = ownerOf(text);
      } catch (error) {
        expect(error).toBeInstanceOf(RefusedError);
        return;
      }
      expect(text.startsWith(owner.split(":").slice(0, 5).join(":"))).toBe(true);
      expect(owner).toMatch(/^arn:aws(-[a-z]+)*:(iam|sts)::\d{12}:[\x21-\x7e]+$/);
    }),
  );
});
