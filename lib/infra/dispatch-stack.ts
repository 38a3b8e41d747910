import { join } from "node:path";
import { Annotations, Stack, Tags } from "aws-cdk-lib";
import { DockerImageAsset, Platform } from "aws-cdk-lib/aws-ecr-assets";
import type { Construct } from "constructs";
import { cloudDefaults } from "../backends/agentcore/cloud-defaults.ts";
import { withBuiltIn } from "../config/built-in.ts";
import { configurationSchema } from "../contract/configuration.ts";
import { warmCosts } from "../contract/costs/warm.ts";
import { environmentVariables } from "../contract/execution-environment.ts";
import { AgentRuntimes } from "./agentcore/agent-runtimes.ts";
import { toolPermissions } from "./agentcore/agent-tools.ts";
import { modelArns } from "./agentcore/bedrock-models.ts";
import { repositoryArns, targetPatterns, targetRegions } from "./agentcore/named-targets.ts";
import { sharedRuntimeName, taskRuntimePrefix } from "./agentcore/runtime-names.ts";
import { ServiceLinkedRole } from "./agentcore/service-linked-role.ts";
import { SharedRuntime } from "./agentcore/shared-runtime.ts";
import { WorkerRole } from "./agentcore/worker-role.ts";
import { Alarms } from "./alarms.ts";
import { ArtifactBucket } from "./artifact-bucket.ts";
import type { CloudConfiguration } from "./configuration.ts";
import { Dashboard } from "./dashboard.ts";
import { Janitor } from "./janitor.ts";
import { LogQueries } from "./log-queries.ts";
import { McpApi } from "./mcp-api.ts";
import { Operator } from "./operator.ts";
import { addOutputs } from "./outputs.ts";
import { TaskTable } from "./task-table.ts";
import { imageArguments } from "./worker-image.ts";
import { Workflow } from "./workflow.ts";
import { WorkflowReference } from "./workflow-reference.ts";

type Props = CloudConfiguration & {
  /** The folder that `bundleAll` has filled, with the configuration beside each handler. */
  bundles: string;
  /** The time of the deployment; default the time of synthesis. */
  now?: Date;
};

const tags = { app: "agent-dispatch" };

/** All of AgentDispatch in an AWS account; this file wires, and decides nothing. */
export class DispatchStack extends Stack {
  constructor(scope: Construct, id: string, { input, configuration, protocol, bundles, now = new Date() }: Props) {
    super(scope, id, { description: "AgentDispatch: durable tasks for cloud agents, behind one MCP endpoint", tags });
    for (const [name, value] of Object.entries(tags)) Tags.of(this).add(name, value);
    const { cloud } = configuration;
    for (const line of warmCosts(configuration))
      Annotations.of(this).addInfoV2(`agent-dispatch:${line.split(":")[0]}`, line);

    const table = new TaskTable(this, "Tasks", cloud);
    const artifacts = new ArtifactBucket(this, "Artifacts", configuration);
    const workflow = new WorkflowReference(this, cloud.stackName);

    const image = new DockerImageAsset(this, "WorkerImage", {
      directory: join(bundles, "worker"),
      platform: Platform.LINUX_ARM64,
      buildArgs: imageArguments(now, cloud.workerImage),
    });
    const regions = targetRegions(configuration, this.region);
    const workerRole = new WorkerRole(this, "WorkerRole", {
      runtimeNames: [`${taskRuntimePrefix(this)}*`, `${sharedRuntimeName(cloud.stackName)}-*`],
      image: image.repository,
      repositories: repositoryArns(targetPatterns(configuration, "repositories"), this.partition),
      models: modelArns(configuration, { partition: this.partition, account: this.account, regions }),
      tools: toolPermissions(configuration, { partition: this.partition, regions }),
    });
    const shared = new SharedRuntime(this, "Shared", { cloud, imageUri: image.imageUri, role: workerRole, protocol });
    shared.node.addDependency(new ServiceLinkedRole(this, "ServiceLinkedRole", cloud));

    const deployed = {
      workerImageUri: image.imageUri,
      workerRoleArn: workerRole.roleArn,
      sharedRuntimeArn: shared.arn,
    };
    const deployment = {
      cloud,
      bundles,
      table,
      artifacts,
      workflow,
      keepsWarm: Object.values(configuration.runtimes).some(({ warm }) => warm !== undefined),
      // What was checked when it was read, with what the stack makes in it.
      backends: [new AgentRuntimes(this, configurationSchema.parse(withBuiltIn(cloudDefaults(deployed), input)))],
      environment: {
        [environmentVariables.workerImage]: deployed.workerImageUri,
        [environmentVariables.workerRole]: deployed.workerRoleArn,
        [environmentVariables.sharedRuntime]: deployed.sharedRuntimeArn,
        [environmentVariables.runtimePrefix]: taskRuntimePrefix(this),
      },
    };
    const mcp = new McpApi(this, "Mcp", deployment);
    const { endpoint, arn } = mcp.forAgents;
    const dispatches = Object.values(configuration.runtimes).some(({ mayDispatch }) => mayDispatch);
    if (dispatches) workerRole.letDispatch(arn);
    const machine = new Workflow(this, "Workflow", { ...deployment, ...(dispatches && { agentEndpoint: endpoint }) });
    const janitor = new Janitor(this, "Janitor", deployment);
    const operator = new Operator(this, "Operator", deployment);
    operator.sweepBetween(mcp.wayIn, table, artifacts, machine, shared, workerRole);
    const parts = { cloud, mcp, workflow: machine, janitor };
    new Alarms(this, "Alarms", parts);
    if (cloud.dashboard) new Dashboard(this, "Dashboard", parts);
    const functions = [mcp.function, ...machine.steps, janitor.function, operator.function];
    new LogQueries(this, "Queries", { cloud, logGroups: functions.map(({ logs }) => logs) });
    addOutputs(this, { mcp, table, artifacts, workflow, image, shared, operator });
  }
}
