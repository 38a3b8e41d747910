import type { ConfigurationInput } from "../../../contract/configuration.ts";
import { InvalidInputError, type Issue } from "../../../contract/errors.ts";
import type { Protocol } from "../../../contract/kinds.ts";

/** What is said of a new configuration. */
export type Described = {
  /** Name of the account in the file. */
  account?: string;
  region?: string;
  runtimeArn?: string;
  image?: string;
  role?: string;
  protocol?: Protocol;
};

/** The option that says each field of the file, for whoever gave one that cannot be. */
const optionOf: readonly (readonly [RegExp, keyof Described, string])[] = [
  [/\.runtimeArn$/, "runtimeArn", "--runtime-arn"],
  [/\.ecrImageUri$/, "image", "--image"],
  [/\.(?:defaultE|e)xecutionRoleArn$/, "role", "--role"],
  [/\.region$/, "region", "--region"],
  [/protocol$/, "protocol", "--protocol"],
  [/^accounts\b/, "account", "--account"],
];

/** The issues of a new file, at the options that said what is wrong. */
export const atOptions = (issues: readonly Issue[], said: Described): Issue[] =>
  issues
    .map((issue) => {
      const option = optionOf.find(([path, name]) => path.test(issue.path) && said[name] !== undefined)?.[2];
      return option === undefined ? issue : { ...issue, path: option };
    })
    // One option may say several fields.
    .filter(
      ({ path, message }, i, all) => all.findIndex((each) => each.path === path && each.message === message) === i,
    );

/** Whether anything of it is about AWS: else the file is about this machine. */
export const isCloud = (said: Described): boolean => Object.values(said).some((value) => value !== undefined);

/** A configuration with a comment above each of its parts. Throws InvalidInputError for what cannot go together. */
export function configText(said: Described): string {
  const parts = isCloud(said) ? cloudParts(said) : localParts;
  const members = parts.map(([comment, name, value]) => {
    const json = JSON.stringify(value, null, 2).replaceAll("\n", "\n  ");
    return `${comment.map((line) => `  // ${line}\n`).join("")}  ${JSON.stringify(name)}: ${json}`;
  });
  return `// How AgentDispatch runs jobs. No secret belongs in here.
// \`agent-dispatch config check\` says what this file means and what is wrong with it.
{
${members.join(",\n\n")}
}
`;
}

type Part = readonly [comment: readonly string[], name: keyof ConfigurationInput, value: unknown];

const about: Record<"accounts" | "backends" | "runtimes" | "defaults", string[]> = {
  accounts: [
    "Where jobs may run. Credentials come from the AWS SDK's usual places (profiles, SSO, roles) when they are needed.",
    "`local` is this machine; take it away if nothing is to run here.",
  ],
  backends: ["How an account is used: `adapter` says by what, `details` with what."],
  runtimes: ["Runtime profiles: what an assistant names when it hands over a job."],
  defaults: ["The profile for jobs that name none, and how many of them may run at the same time."],
};

const localParts: readonly Part[] = [
  [about.accounts, "accounts", { local: { provider: "local" } }],
  [about.backends, "backends", { local: { adapter: "local-process", account: "local" } }],
  [about.runtimes, "runtimes", { local: { backend: "local" } }],
  [about.defaults, "defaults", { runtime: "local", limits: { maxRunning: 8 } }],
];

function cloudParts({ account = "aws", runtimeArn, image, role, protocol = "http", ...said }: Described): Part[] {
  const region = said.region ?? runtimeArn?.split(":")[3];
  if (!region) throw new InvalidInputError([{ path: "--region", message: "names the AWS region, such as us-west-2" }]);
  if (runtimeArn !== undefined && image !== undefined)
    throw new InvalidInputError([
      {
        path: "--image",
        message: "makes a runtime for each job, and --runtime-arn uses one that exists: name one of both",
      },
    ]);
  if (account === "local")
    throw new InvalidInputError([
      { path: "--account", message: "local is this machine; name the account of AWS otherwise" },
    ]);
  const mode = image === undefined ? "session" : "runtime";
  const details = {
    region,
    ...(runtimeArn !== undefined && { runtimeArn }),
    ...(image !== undefined && { ecrImageUri: image }),
    ...(role !== undefined && { executionRoleArn: role }),
    protocol,
  };
  const modes =
    mode === "session"
      ? "`session`: each job gets a session of the runtime that `runtimeArn` names; without one, it is asked for."
      : "`runtime`: each job gets a runtime of its own, made from `ecrImageUri` with the role `executionRoleArn`.";
  return [
    [
      about.accounts,
      "accounts",
      { [account]: { provider: "aws", region, credentialSource: "aws-sdk-default" }, local: { provider: "local" } },
    ],
    [about.backends, "backends", { agentcore: { adapter: "aws-agentcore", account, details } }],
    [[...about.runtimes, modes], "runtimes", { agentcore: { backend: "agentcore", target: { mode }, protocol } }],
    [about.defaults, "defaults", { runtime: "agentcore", limits: { maxRunning: 8 } }],
  ];
}
