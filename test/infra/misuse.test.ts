/** What somebody who got hold of a function, or of a job, might try with its role: each is denied by the stack's policies. */
import { expect, test } from "vitest";
import type { Asked } from "../emulators/requests/authorized.ts";
import { Policies } from "./policies.ts";

const here = "us-west-2:123456789012";
const stranger = "us-west-2:210987654321";
const agentCore = "arn:aws:bedrock-agentcore";
const names = {
  tableArn: `arn:aws:dynamodb:${here}:table/tasks`,
  bucket: "artifacts",
  sharedRuntimeArn: `${agentCore}:${here}:runtime/shared_agent_dispatch-AbCdEf1234`,
  workerRoleArn: "arn:aws:iam::123456789012:role/worker",
};
const policies = await Policies.of({}, names);
const everybody = [...policies.statements.keys()];

const to = (action: string, resource: string, context: Asked["context"] = {}): Asked => ({ action, resource, context });
const invoking = ["InvokeAgentRuntime", "InvokeAgentRuntimeCommand", "StopRuntimeSession", "GetAgentRuntimeEndpoint"];
const runtimeVerbs = [
  ...invoking,
  "GetAgentRuntime",
  "ListTagsForResource",
  "DeleteAgentRuntime",
  "UpdateAgentRuntime",
];
const onRuntime = (arn: string, verbs = runtimeVerbs) =>
  verbs.flatMap((verb) =>
    [arn, `${arn}/runtime-endpoint/DEFAULT`].map((each) => to(`bedrock-agentcore:${verb}`, each)),
  );
const tableVerbs = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "Scan", "DeleteTable"];
const onTable = (arn: string, verbs = tableVerbs) => verbs.map((verb) => to(`dynamodb:${verb}`, arn));
const onObject = (arn: string, verbs = ["GetObject", "PutObject", "DeleteObject"]) =>
  verbs.map((verb) => to(`s3:${verb}`, arn));
const onLogs = (group: string) =>
  ["FilterLogEvents", "DeleteLogGroup"].map((verb) => to(`logs:${verb}`, `arn:aws:logs:${here}:log-group:${group}`));
const toAgentCore = { "iam:PassedToService": "bedrock-agentcore.amazonaws.com" };
const made = (tags: Record<string, string>) =>
  to(
    "bedrock-agentcore:CreateAgentRuntime",
    `${agentCore}:${here}:runtime/*`,
    Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
  );
const task = "0123456789abcdef0123456789abcdef";

/** Nobody at all may do these. */
const misuse: Record<string, Asked[]> = {
  "a runtime made for a task of another stack": onRuntime(
    `${agentCore}:${here}:runtime/ad_ffffffff_${task}-AbCdEf1234`,
  ),
  "the shared runtime of another stack": onRuntime(`${agentCore}:${here}:runtime/shared_other-AbCdEf1234`),
  "a runtime of another account": onRuntime(`${agentCore}:${stranger}:runtime/ad_0a1b2c3d_${task}-AbCdEf1234`),
  "deleting or changing the runtime that the stack deployed": onRuntime(names.sharedRuntimeArn, [
    "DeleteAgentRuntime",
    "DeleteAgentRuntimeEndpoint",
    "UpdateAgentRuntime",
  ]),
  "acting on a runtime for a user, or in a shell": onRuntime(names.sharedRuntimeArn, [
    "InvokeAgentRuntimeForUser",
    "InvokeAgentRuntimeCommandShell",
    "PutResourcePolicy",
  ]),
  "a runtime without the tag of a task": [made({}), made({ owner: "me" }), made({ "agentdispatch:task": "mine" })],
  "passing another role": [
    to("iam:PassRole", "arn:aws:iam::123456789012:role/admin", toAgentCore),
    to("iam:PassRole", "arn:aws:iam::210987654321:role/worker", toAgentCore),
  ],
  "passing the worker's role to another service": [
    to("iam:PassRole", names.workerRoleArn, { "iam:PassedToService": "ec2.amazonaws.com" }),
    to("iam:PassRole", names.workerRoleArn),
  ],
  "entering another role": [to("sts:AssumeRole", "arn:aws:iam::123456789012:role/admin")],
  "the table of another stack": [
    ...onTable(`arn:aws:dynamodb:${here}:table/other`),
    ...onTable(`arn:aws:dynamodb:${stranger}:table/tasks`),
    ...onTable(`arn:aws:dynamodb:${here}:table/other/index/by-owner`, ["Query"]),
  ],
  "reading the whole table, or deleting it": onTable(names.tableArn, ["Scan", "DeleteTable", "UpdateTable"]),
  "the bucket of another stack": [
    ...onObject("arn:aws:s3:::others/tasks/x"),
    to("s3:ListBucket", "arn:aws:s3:::others"),
  ],
  "what is in the bucket and no task's": onObject("arn:aws:s3:::artifacts/secrets"),
  "deleting what a task left, or opening the bucket": [
    ...onObject(`arn:aws:s3:::artifacts/tasks/task_${task}/x`, ["DeleteObject", "PutObjectAcl"]),
    to("s3:PutBucketPolicy", "arn:aws:s3:::artifacts"),
  ],
  "log groups that are not of tasks' runtimes": [
    ...onLogs("/aws/lambda/other:log-stream:"),
    ...onLogs("/aws/bedrock-agentcore/runtimes/ad_ffffffff_x-DEFAULT:log-stream:"),
    ...onLogs("/aws/lambda/agent-dispatch/mcp:log-stream:"),
  ],
  "another queue": [to("sqs:SendMessage", `arn:aws:sqs:${here}:other`)],
  "another function": [to("lambda:InvokeFunction", `arn:aws:lambda:${here}:function:other`)],
  "the workflow of another stack, and the end of executions of ours": [
    to("states:StartExecution", `arn:aws:states:${here}:stateMachine:other`),
    to("states:StopExecution", `arn:aws:states:${here}:execution:agent-dispatch:task_${task}-1`),
  ],
};

test.each(Object.entries(misuse))("%s: nobody", (_, asked) => {
  for (const one of asked)
    expect([one, everybody.filter((name) => policies.decide(name, one) === "allowed")]).toEqual([one, []]);
});

/** What a job could try, which has the credentials of the worker's role. */
const ofJobs: Record<string, Asked[]> = {
  "another task's files, or its own": onObject(`arn:aws:s3:::artifacts/tasks/task_${task}/x`),
  "the records of tasks": onTable(names.tableArn),
  "another session, also of its own runtime": onRuntime(names.sharedRuntimeArn),
  "another execution": [to("states:StartExecution", `arn:aws:states:${here}:stateMachine:agent-dispatch`)],
  "a runtime of its own": [made({ "agentdispatch:task": `task_${task}` })],
  "a role for it": [to("iam:PassRole", names.workerRoleArn, toAgentCore)],
  "what others print": [
    ...onLogs(`/aws/bedrock-agentcore/runtimes/ad_0a1b2c3d_${task}-DEFAULT:log-stream:`),
    to("logs:PutLogEvents", `arn:aws:logs:${here}:log-group:/aws/lambda/agent-dispatch/mcp:log-stream:x`),
  ],
  "a subscription in its own name": [to("aws-marketplace:Subscribe", "*")],
  "metrics in another's name": [to("cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": "AgentDispatch" })],
};

test.each(Object.entries(ofJobs))("%s: no job", (_, asked) => {
  for (const one of asked) expect([one, policies.decide("worker", one)]).toEqual([one, "denied"]);
});

const api = `arn:aws:execute-api:${here}`;
const calls = (...resources: string[]) => resources.map((resource) => to("execute-api:Invoke", resource));
const leading = await Policies.of({ runtimes: { lead: { backend: "agentcore", mayDispatch: true } } }, names);

test("an endpoint: no job where none may dispatch, and elsewhere that of its own stack, in the one way that it needs", () => {
  for (const one of calls(`${api}:api1234567/live/POST/mcp`, `${api}:other67890/live/POST/mcp`))
    expect(policies.decide("worker", one)).toBe("denied");
  const others = calls(
    `${api}:other67890/live/POST/mcp`,
    `arn:aws:execute-api:${stranger}:api1234567/live/POST/mcp`,
    `${api}:api1234567/live/GET/mcp`,
    `${api}:api1234567/live/POST/mcp/other`,
    `${api}:api1234567/other/POST/mcp`,
    `${api}:api1234567/live/DELETE/mcp`,
  );
  for (const one of others) expect([one, leading.decide("worker", one)]).toEqual([one, "denied"]);
  for (const one of Object.values(ofJobs).flat()) expect([one, leading.decide("worker", one)]).toEqual([one, "denied"]);
  for (const name of policies.functions)
    for (const one of calls(`${api}:api1234567/live/POST/mcp`)) expect(leading.decide(name, one)).toBe("denied");
  expect(calls(`${api}:api1234567/live/POST/mcp`).map((one) => leading.decide("worker", one))).toEqual(["allowed"]);
});

/** The same on what is ours, so that the refusals above mean something. */
test.each([
  ["Watch", to("bedrock-agentcore:InvokeAgentRuntime", `${names.sharedRuntimeArn}/runtime-endpoint/DEFAULT`)],
  [
    "Cleanup",
    to("bedrock-agentcore:DeleteAgentRuntime", `${agentCore}:${here}:runtime/ad_0a1b2c3d_${task}-AbCdEf1234`),
  ],
  ["Provision", made({ "agentdispatch:task": `task_${task}` })],
  ["Provision", to("iam:PassRole", names.workerRoleArn, toAgentCore)],
  ["mcp", to("dynamodb:PutItem", names.tableArn)],
  ["mcp", to("s3:GetObject", `arn:aws:s3:::artifacts/tasks/task_${task}/x`)],
  ["mcp", to("states:StartExecution", `arn:aws:states:${here}:stateMachine:agent-dispatch`)],
  [
    "janitor",
    to(
      "logs:DeleteLogGroup",
      `arn:aws:logs:${here}:log-group:/aws/bedrock-agentcore/runtimes/ad_0a1b2c3d_x-DEFAULT:log-stream:`,
    ),
  ],
  [
    "worker",
    to(
      "logs:PutLogEvents",
      `arn:aws:logs:${here}:log-group:/aws/bedrock-agentcore/runtimes/ad_0a1b2c3d_x-DEFAULT:log-stream:y`,
    ),
  ],
  ["worker", to("cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": "bedrock-agentcore" })],
] as const)("%s may do its work: %o", (name, asked) => {
  expect(policies.decide(name, asked)).toBe("allowed");
});
