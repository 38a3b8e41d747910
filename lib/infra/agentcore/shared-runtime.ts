import { CfnRuntime } from "aws-cdk-lib/aws-bedrockagentcore";
import type { IRole } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { CloudSettings } from "../../contract/cloud.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import { type Protocol, serverProtocols } from "../../contract/kinds.ts";
import { IDLE_SECONDS, MAX_LIFETIME_SECONDS } from "../../contract/limits.ts";
import { contractTag } from "../../contract/runtimes.ts";
import { sharedRuntimeName } from "./runtime-names.ts";

type Props = { cloud: CloudSettings; imageUri: string; role: IRole; protocol: Protocol };

/** The runtime of the profile `shared`: every task on it gets a session, and so a machine, of its own. */
export class SharedRuntime extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, { cloud, imageUri, role, protocol }: Props) {
    super(scope, id);
    const runtime = new CfnRuntime(this, "Runtime", {
      agentRuntimeName: sharedRuntimeName(cloud.stackName),
      description: "AgentDispatch: sessions of the profile shared",
      agentRuntimeArtifact: { containerConfiguration: { containerUri: imageUri } },
      roleArn: role.roleArn,
      networkConfiguration: { networkMode: "PUBLIC" },
      // The cheaper one, as those that are made for tasks; where nothing is said, AWS chooses.
      platformVersion: "V1",
      protocolConfiguration: serverProtocols[protocol],
      ...(protocol !== "http" && { environmentVariables: { [environmentVariables.workerProtocol]: protocol } }),
      lifecycleConfiguration: { idleRuntimeSessionTimeout: IDLE_SECONDS, maxLifetime: MAX_LIFETIME_SECONDS },
      // Its image is our worker.
      tags: contractTag,
    });
    // It is checked when the runtime is made.
    runtime.node.addDependency(role);
    this.arn = runtime.attrAgentRuntimeArn;
  }
}
