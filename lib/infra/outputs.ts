import { CfnOutput, type Stack } from "aws-cdk-lib";
import type { DockerImageAsset } from "aws-cdk-lib/aws-ecr-assets";
import { taskRuntimePrefix } from "./agentcore/runtime-names.ts";
import type { SharedRuntime } from "./agentcore/shared-runtime.ts";
import type { ArtifactBucket } from "./artifact-bucket.ts";
import type { McpApi } from "./mcp-api.ts";
import type { Operator } from "./operator.ts";
import type { TaskTable } from "./task-table.ts";
import type { WorkflowReference } from "./workflow-reference.ts";

type Parts = {
  mcp: McpApi;
  table: TaskTable;
  artifacts: ArtifactBucket;
  workflow: WorkflowReference;
  image: DockerImageAsset;
  shared: SharedRuntime;
  operator: Operator;
};

/** What somebody needs to know after a deployment, first of all the line that connects a client. */
export function addOutputs(stack: Stack, { mcp, table, artifacts, workflow, image, shared, operator }: Parts): void {
  const { url } = mcp;
  const { region } = stack;
  const outputs: Record<string, [value: string, description: string]> = {
    Connect: [
      // As it works in the folder that was deployed from, where it is printed; the address says what to sign for.
      `claude mcp add agent-dispatch -- npx agent-dispatch bridge --endpoint ${url}`,
      "connects Claude Code",
    ],
    Endpoint: [url, "the MCP endpoint; requests are signed for execute-api"],
    Region: [region, "where all of it is"],
    TableName: [table.name, "the table of tasks"],
    BucketName: [artifacts.name, "the bucket of artifacts and large values"],
    StateMachineArn: [workflow.arn, "the workflow"],
    WorkerImageUri: [image.imageUri, "the worker's image"],
    WorkerRepository: [image.repository.repositoryUri, "where the worker's image is"],
    SharedRuntimeArn: [shared.arn, "the runtime of the profile shared"],
    OperatorFunctionArn: [
      operator.function.lambda.functionArn,
      "the function that `agent-dispatch admin` invokes, with the credentials of whoever operates the stack",
    ],
    RuntimePrefix: [taskRuntimePrefix(stack), "what the names of the runtimes made for tasks begin with"],
  };
  for (const [id, [value, description]] of Object.entries(outputs)) new CfnOutput(stack, id, { value, description });
}
