import { RemovalPolicy } from "aws-cdk-lib";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { CloudSettings } from "../contract/cloud.ts";

/** A log group that keeps what it gets for as long as the configuration says, and goes when the stack goes. */
export const logGroup = (scope: Construct, id: string, { logRetentionDays }: CloudSettings, name: string): LogGroup =>
  new LogGroup(scope, id, {
    logGroupName: name,
    retention: logRetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
