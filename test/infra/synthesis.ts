import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import cdk from "../../cdk.json" with { type: "json" };
import { copyAgent } from "../../lib/infra/bundle.ts";
import { loadCloudConfiguration, writeConfiguration } from "../../lib/infra/configuration.ts";
import { DispatchStack } from "../../lib/infra/dispatch-stack.ts";
import { temporaryFolder } from "../worker/start-worker.ts";

// The validation that comes with the CDK takes seconds; the test of the whole app has it.
process.env.CDK_VALIDATION = "false";

type Resource = { Type: string; Properties: Record<string, unknown> } & Record<string, unknown>;
export type Statement = {
  Effect: string;
  actions: string[];
  resources: string[];
  /** As text, `{}` without one. */
  condition: string;
};

const pseudo: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": "us-west-2",
  "AWS::AccountId": "123456789012",
  "AWS::URLSuffix": "amazonaws.com",
  "AWS::StackId":
    "arn:aws:cloudformation:us-west-2:123456789012:stack/agent-dispatch/0a1b2c3d-4e5f-11ef-8a9b-0c1d2e3f4a5b",
};

/** A stack as its template says it, made of stand-ins for the bundles. */
export class Synthesis {
  readonly app: App;
  readonly folder: string;
  readonly stack: DispatchStack;
  #template: Template | undefined;

  private constructor(app: App, folder: string, stack: DispatchStack) {
    this.app = app;
    this.folder = folder;
    this.stack = stack;
  }

  static async of(file: object = {}, now?: Date): Promise<Synthesis> {
    const folder = temporaryFolder();
    const bundles = join(folder, "dist");
    writeFileSync(join(folder, "agentdispatch.config.json"), JSON.stringify(file));
    for (const name of ["mcp", "workflow", "janitor", "operator"]) {
      mkdirSync(join(bundles, "lambdas", name), { recursive: true });
      writeFileSync(join(bundles, "lambdas", name, "handler.mjs"), "");
    }
    mkdirSync(join(bundles, "worker"));
    writeFileSync(join(bundles, "worker/Dockerfile"), "");
    const { agent, ...configured } = loadCloudConfiguration({ cwd: folder, env: {} });
    await copyAgent(bundles, agent);
    await writeConfiguration(bundles, configured.input);
    const app = new App({ context: cdk.context, outdir: join(folder, "cdk.out") });
    const stack = new DispatchStack(app, configured.configuration.cloud.stackName, {
      ...configured,
      bundles,
      ...(now && { now }),
    });
    return new Synthesis(app, folder, stack);
  }

  get template(): Template {
    this.#template ??= Template.fromStack(this.stack);
    return this.#template;
  }

  /** What is uploaded besides the template, by its hash. */
  get assets(): { files: object; dockerImages: Record<string, { source: Record<string, unknown> }> } {
    const { stackName } = this.template && this.stack;
    return JSON.parse(readFileSync(join(this.folder, `cdk.out/${stackName}.assets.json`), "utf8"));
  }

  get resources(): Record<string, Resource> {
    return this.template.toJSON().Resources;
  }

  ofType(type: string): [id: string, resource: Resource][] {
    return Object.entries(this.resources).filter(([, resource]) => resource.Type === type);
  }

  /** The properties of the only resource of a type. */
  only(type: string): Record<string, unknown> {
    const [[, resource] = [], ...others] = this.ofType(type);
    if (!resource || others.length > 0) throw new Error(`there are ${others.length + 1} of ${type}`);
    return resource.Properties;
  }

  /** Our own functions by the name of their step, or of their folder. */
  get functions(): Record<string, Record<string, unknown>> {
    const named = this.ofType("AWS::Lambda::Function").flatMap(([, { Properties }]) => {
      const [, step, bundle] = /^AgentDispatch: (?:the step (\w+)|(\w+))$/.exec(String(Properties.Description)) ?? [];
      const name = step ?? bundle;
      return name === undefined ? [] : [[name, Properties] as const];
    });
    return Object.fromEntries(named);
  }

  /** What the role of a function, or of whatever has a role by that id, is allowed. */
  allowedTo(role: string): Statement[] {
    const policies = this.ofType("AWS::IAM::Policy").filter(([, { Properties }]) =>
      (Properties.Roles as unknown[]).some((found) => text(found) === `<${role}>`),
    );
    return policies.flatMap(([, { Properties }]) => statementsOf(Properties.PolicyDocument));
  }

  /** The id of a function's role, as `allowedTo` takes it. */
  roleOf(name: string): string {
    return text(this.functions[name]?.Role).replace(/^<(.+)\.Arn>$/, "$1");
  }
}

export function statementsOf(document: unknown): Statement[] {
  const { Statement } = document as { Statement: Record<string, unknown>[] };
  return Statement.map(({ Effect, Action, Resource, Condition = {} }) => ({
    Effect: String(Effect),
    actions: [Action].flat().map(String).sort(),
    resources: [Resource].flat().map(text).sort(),
    condition: text(Condition),
  }));
}

/** What CloudFormation makes of a value, in one account and region; attributes of resources as `<id.attribute>`. */
export function text(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "";
  const [[key, of] = ["", undefined], ...others] = Object.entries(value);
  if (others.length === 0) {
    if (key === "Ref") return pseudo[String(of)] ?? `<${withoutHash(String(of))}>`;
    if (key === "Fn::GetAtt") return `<${(of as string[]).map(withoutHash).join(".")}>`;
    if (key === "Fn::Select") {
      const [index, split] = of as [string, { "Fn::Split"?: [string, unknown] }];
      const [separator, whole] = split["Fn::Split"] ?? [];
      if (separator === undefined) return JSON.stringify(value);
      const known = text(whole);
      return known.includes("<")
        ? `<${index} of ${known} at ${separator}>`
        : (known.split(separator)[Number(index)] ?? "");
    }
    if (key === "Fn::Join") return (of as [string, unknown[]])[1].map(text).join((of as [string])[0]);
    if (key === "Fn::Sub") return String(of).replaceAll(/\$\{([\w:]+)\}/g, (_, name) => pseudo[name] ?? `<${name}>`);
  }
  return JSON.stringify(value, (_, part) => (isIntrinsic(part) ? text(part) : part));
}

const isIntrinsic = (part: unknown): boolean =>
  typeof part === "object" && part !== null && /^(?:Ref|Fn::.+)$/.test(Object.keys(part).join());

/** The CDK ends ids with a hash of where they are. */
const withoutHash = (id: string): string => id.replace(/[0-9A-F]{8}$/, "");
