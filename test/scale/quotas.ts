import { demandOf, functionsOf, type Load } from "./demand.ts";

/** A limit of AWS: its name there, its code in Service Quotas where that is known, and what it is by default. */
export type Quota = {
  name: string;
  code?: string;
  most: number;
  /** Whether AWS raises it. */
  raised: boolean;
  of: (load: Load) => number;
};

/**
 * What grows with the tasks, with the lower of two values where regions differ.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
 */
export const quotas: readonly Quota[] = [
  {
    name: "Lambda: concurrent executions, new account",
    code: "L-B99A9384",
    most: 10,
    raised: true,
    of: (load) => functionsOf(load, 10),
  },
  {
    name: "Lambda: concurrent executions",
    code: "L-B99A9384",
    most: 1000,
    raised: true,
    of: (load) => functionsOf(load, 1000),
  },
  {
    name: "AgentCore: active session workloads",
    code: "L-3E5722B2",
    most: 2500,
    raised: true,
    of: (load) => demandOf(load).running,
  },
  {
    name: "AgentCore: new sessions a second",
    most: 25,
    raised: true,
    of: (load) => demandOf(load).perSecond,
  },
  {
    name: "AgentCore: agents, with `reuse: false`",
    code: "L-F4575653",
    most: 1000,
    raised: true,
    of: (load) => demandOf(load).running,
  },
  {
    name: "AgentCore: control plane, changes a second, with `reuse: false`",
    most: 50,
    raised: false,
    of: (load) => 2 * demandOf(load).perSecond,
  },
  {
    name: "Step Functions: StartExecution a second",
    most: 150,
    raised: true,
    of: (load) => demandOf(load).perSecond,
  },
  {
    name: "API Gateway: requests a second, `cloud.throttle`",
    most: 100,
    raised: true,
    of: (load) => demandOf(load).requests,
  },
  {
    name: "DynamoDB: write units a second, table on demand",
    most: 40_000,
    raised: true,
    of: (load) => demandOf(load).writeUnits,
  },
  {
    name: "DynamoDB: write units a second, one partition: the running tasks of one owner",
    most: 1000,
    raised: false,
    of: (load) => demandOf(load).slotUnits,
  },
];

/** The parts of each that a load uses. */
export const usesOf = (load: Load) => quotas.map((quota) => ({ quota, part: quota.of(load) / quota.most }));
