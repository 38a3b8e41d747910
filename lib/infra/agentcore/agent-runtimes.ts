import { Fn, Stack, Token } from "aws-cdk-lib";
import { type IGrantable, PolicyStatement, type PolicyStatementProps } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import type { Configuration } from "../../contract/configuration.ts";
import { SHARED, TASK_TAG } from "../../contract/runtimes.ts";
import type { BackendGrants, BackendUse } from "../backend-grants.ts";
import { accountRoles, repositoryArns, targetPatterns, targetRegions } from "./named-targets.ts";
import { sharedRuntimeName, taskRuntimePrefix } from "./runtime-names.ts";
import { allowServiceLinkedRole } from "./service-linked-role.ts";
import { LOG_GROUPS } from "./worker-role.ts";

/** What follows `runtime/` in an ARN, or in a pattern for one. */
const idIn = (pattern: string): string =>
  Token.isUnresolved(pattern) ? Fn.select(1, Fn.split("/", pattern)) : (pattern.split("/")[1] ?? "");

/**
 * The AgentCore runtimes that tasks run on: those made for tasks, whose names begin with `taskRuntimePrefix`, and those that
 * the configuration names or lets callers name. Whoever uses them may also enter the accounts that the configuration names.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrockagentcore.html
 */
export class AgentRuntimes implements BackendGrants {
  readonly #scope: Construct;
  /** A pattern for the names of those made for tasks, and so for their ids. */
  readonly #ownName: string;
  readonly #partition: string;
  readonly #account: string;
  readonly #regions: readonly string[];
  readonly #roles: readonly string[];
  readonly #repositories: readonly string[];
  readonly #patterns: readonly string[];
  readonly #named: readonly string[];
  readonly #accountRoles: readonly string[];
  readonly #runtimeLogDays: number;
  /** A pattern for the id of the one that the stack deploys. */
  readonly #deployedId: string;

  /** `configuration` is the one that functions see, with what the stack has made in it. */
  constructor(scope: Construct, configuration: Configuration) {
    const { partition, account, region } = Stack.of(scope);
    this.#scope = scope;
    this.#ownName = `${taskRuntimePrefix(scope)}*`;
    this.#partition = partition;
    this.#account = account;
    this.#regions = targetRegions(configuration, region);
    this.#roles = targetPatterns(configuration, "roles").map((pattern) =>
      pattern === "*" ? `arn:${partition}:iam::${account}:role/*` : pattern,
    );
    this.#repositories = repositoryArns(targetPatterns(configuration, "repositories"), partition);
    // Every call is authorized for the runtime and for the endpoint below it.
    this.#patterns = targetPatterns(configuration, "runtimes");
    this.#named = this.#patterns.flatMap((pattern) => {
      if (pattern === "*") return [`arn:${partition}:bedrock-agentcore:*:*:runtime/*`];
      return pattern.endsWith("*") ? [pattern] : [pattern, `${pattern}/*`];
    });
    this.#accountRoles = accountRoles(configuration);
    this.#runtimeLogDays = configuration.cloud.runtimeLogDays;
    this.#deployedId = `${sharedRuntimeName(configuration.cloud.stackName)}-*`;
  }

  grant(use: BackendUse, grantee: IGrantable): void {
    for (const give of this.#uses[use]) give.call(this, grantee);
  }

  readonly #uses: Readonly<Record<BackendUse, readonly ((grantee: IGrantable) => void)[]>> = {
    provision: [this.#create, this.#learn, this.#lookUpImages],
    awaitReady: [this.#readOwn, this.#readEndpointsOfOwn, this.#readLogsOfOwn],
    hello: [this.#invoke, this.#readLogs],
    invoke: [this.#invoke],
    call: [this.#invoke, this.#runCommands, this.#readLogs],
    stop: [this.#stopSessions],
    deleteRuntime: [this.#readOwn, this.#delete, this.#removeLogsAtOnce],
    sweep: [this.#readOwn, this.#readTagsOfOwn, this.#delete, this.#removeLogs, this.#tidyLogs],
    check: [this.#read, this.#count, this.#seeModels, this.#lookUpImages],
  };

  /**
   * Making a runtime also makes its endpoint, an identity and their tags, in the maker's name: no page says so, but AWS
   * denies each of these actions by itself. What is being made has no name yet, so the resource is `runtime/*`; the tag with
   * the task that it is for, or with the word for those that tasks share, which only ours carry, stands in for one.
   */
  #create(grantee: IGrantable): void {
    const identities = this.#arns(
      "workload-identity-directory/default",
      "workload-identity-directory/default/workload-identity/*",
    );
    this.#allow(grantee, ["CreateAgentRuntime", "TagResource"], [...this.#arns("runtime/*"), ...identities], {
      conditions: { StringLike: { [`aws:RequestTag/${TASK_TAG}`]: ["task_*", SHARED] } },
    });
    this.#allow(grantee, ["CreateAgentRuntimeEndpoint"], this.#arns("runtime/*"));
    this.#allow(grantee, ["CreateWorkloadIdentity"], identities);
    this.#list(grantee);
    // Somebody may have deleted it since the deployment made it.
    allowServiceLinkedRole(this.#scope, grantee);
    this.#add(grantee, {
      actions: ["iam:PassRole"],
      resources: [...this.#roles],
      conditions: { StringEquals: { "iam:PassedToService": "bedrock-agentcore.amazonaws.com" } },
    });
  }

  /** Whether those made for tasks are there. What is denied is looked for in the list. */
  #readOwn(grantee: IGrantable): void {
    this.#allow(grantee, ["GetAgentRuntime"], [this.#own]);
    this.#list(grantee);
  }

  /** Whether the endpoints of those are ready. */
  #readEndpointsOfOwn(grantee: IGrantable): void {
    this.#allow(grantee, ["GetAgentRuntimeEndpoint"], [this.#own]);
  }

  /** Whether a runtime knows the worker contract, as its tags say, and what it speaks if not. */
  #learn(grantee: IGrantable): void {
    this.#allow(grantee, ["GetAgentRuntime", "ListTagsForResource"], this.#usable());
  }

  /** What the tags of private images stand for, by which tasks that may share a runtime are told. */
  #lookUpImages(grantee: IGrantable): void {
    this.#add(grantee, { actions: ["ecr:DescribeImages"], resources: [...this.#repositories] });
  }

  #read(grantee: IGrantable): void {
    this.#allow(grantee, ["GetAgentRuntime", "GetAgentRuntimeEndpoint", "ListTagsForResource"], this.#usable());
    this.#list(grantee);
  }

  #invoke(grantee: IGrantable): void {
    this.#allow(grantee, ["InvokeAgentRuntime"], this.#usable());
  }

  /** Commands beside an agent that does not know the worker contract. */
  #runCommands(grantee: IGrantable): void {
    this.#allow(grantee, ["InvokeAgentRuntimeCommand"], this.#usable());
  }

  #stopSessions(grantee: IGrantable): void {
    this.#allow(grantee, ["StopRuntimeSession"], this.#usable());
  }

  /** Only those made for tasks, with all that came with them. */
  #delete(grantee: IGrantable): void {
    this.#allow(grantee, ["DeleteAgentRuntime", "DeleteAgentRuntimeEndpoint"], [this.#own]);
    this.#allow(
      grantee,
      ["DeleteWorkloadIdentity"],
      [
        this.#everywhere("workload-identity-directory/default"),
        this.#everywhere(`workload-identity-directory/default/workload-identity/${this.#ownName}`),
      ],
    );
    this.#list(grantee);
  }

  #removeLogs(grantee: IGrantable): void {
    this.#add(grantee, { actions: ["logs:DeleteLogGroup"], resources: [this.#logGroup(this.#ownName)] });
  }

  /** Else they are left to the janitor. */
  #removeLogsAtOnce(grantee: IGrantable): void {
    if (this.#runtimeLogDays === 0) this.#removeLogs(grantee);
  }

  /** Which log groups there are, when their last lines were written, and how long those are kept that are not removed. */
  #tidyLogs(grantee: IGrantable): void {
    // It knows no narrower resource.
    this.#add(grantee, { actions: ["logs:DescribeLogGroups"], resources: [this.#logGroups("*")] });
    this.#add(grantee, { actions: ["logs:DescribeLogStreams"], resources: [this.#logGroup(this.#ownName)] });
    const bounded = [this.#logGroup(this.#ownName), this.#logGroup(this.#deployedId)];
    this.#add(grantee, { actions: ["logs:PutRetentionPolicy"], resources: bounded });
  }

  /** Who made one whose name begins as ours do. */
  #readTagsOfOwn(grantee: IGrantable): void {
    this.#allow(grantee, ["ListTagsForResource"], [this.#own]);
  }

  /** What their containers print: why one did not start is said nowhere else. */
  #readLogsOfOwn(grantee: IGrantable): void {
    this.#add(grantee, { actions: ["logs:FilterLogEvents"], resources: [this.#logGroup(this.#ownName)] });
  }

  #readLogs(grantee: IGrantable): void {
    // The group of a runtime is named for its id and its endpoint.
    const groups = this.#patterns.map((pattern) => this.#logGroup(`${idIn(pattern)}*`));
    this.#add(grantee, { actions: ["logs:FilterLogEvents"], resources: [this.#logGroup(this.#ownName), ...groups] });
  }

  /** How many there may be, and how many there are. */
  #count(grantee: IGrantable): void {
    this.#list(grantee);
    this.#add(grantee, { actions: ["servicequotas:GetServiceQuota"], resources: ["*"] });
  }

  /** Whether the account may ask the models that callers may name, which can be any: none of these asks one. */
  #seeModels(grantee: IGrantable): void {
    const profiles = `arn:${this.#partition}:bedrock:*:${this.#account}:inference-profile/*`;
    this.#add(grantee, { actions: ["bedrock:GetInferenceProfile"], resources: [profiles] });
    const actions = ["bedrock:GetFoundationModelAvailability", "bedrock:GetUseCaseForModelAccess"];
    this.#add(grantee, { actions, resources: ["*"] });
  }

  #list(grantee: IGrantable): void {
    this.#allow(grantee, ["ListAgentRuntimes"], ["*"]);
  }

  /**
   * Those made for tasks, in every region: a task may be older than the configuration, and what it has made must be found
   * and deleted all the same. Their name bounds it.
   */
  get #own(): string {
    return this.#everywhere(`runtime/${this.#ownName}`);
  }

  #everywhere(resource: string): string {
    return `arn:${this.#partition}:bedrock-agentcore:*:${this.#account}:${resource}`;
  }

  #usable(): string[] {
    return [this.#own, ...this.#named];
  }

  #arns(...resources: string[]): string[] {
    return this.#regions.flatMap((region) =>
      resources.map((name) => `arn:${this.#partition}:bedrock-agentcore:${region}:${this.#account}:${name}`),
    );
  }

  #logGroup(runtimes: string): string {
    return this.#logGroups(`${LOG_GROUPS}/${runtimes}`);
  }

  #logGroups(names: string): string {
    return `arn:${this.#partition}:logs:*:${this.#account}:log-group:${names}`;
  }

  #allow(grantee: IGrantable, verbs: string[], resources: string[], more: PolicyStatementProps = {}): void {
    this.#add(grantee, { actions: verbs.map((verb) => `bedrock-agentcore:${verb}`), resources, ...more });
  }

  #add({ grantPrincipal }: IGrantable, statement: PolicyStatementProps): void {
    // A configuration may name no role at all.
    if (statement.resources?.length === 0) return;
    grantPrincipal.addToPrincipalPolicy(new PolicyStatement(statement));
    if (this.#accountRoles.length > 0)
      grantPrincipal.addToPrincipalPolicy(
        new PolicyStatement({ actions: ["sts:AssumeRole"], resources: [...this.#accountRoles] }),
      );
  }
}
