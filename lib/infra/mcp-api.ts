import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import {
  AccessLogField,
  AccessLogFormat,
  AuthorizationType,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  ResponseTransferMode,
  ResponseType,
  RestApi,
} from "aws-cdk-lib/aws-apigateway";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct, type IConstruct } from "constructs";
import type { Deployment } from "./deployment.ts";
import { DispatchFunction } from "./dispatch-function.ts";
import { functionMemory } from "./function-memory.ts";
import { logGroup } from "./log-group.ts";
import { tooLong } from "./too-long.ts";

const STAGE = "live";

/** Who asked for what and how it ended; nothing of what was said, and no header. */
const accessLog = {
  requestId: AccessLogField.contextRequestId(),
  requestTime: AccessLogField.contextRequestTime(),
  caller: AccessLogField.contextIdentityUserArn(),
  sourceIp: AccessLogField.contextIdentitySourceIp(),
  httpMethod: AccessLogField.contextHttpMethod(),
  path: AccessLogField.contextPath(),
  status: AccessLogField.contextStatus(),
  responseLength: AccessLogField.contextResponseLength(),
  responseLatency: AccessLogField.contextResponseLatency(),
  errorType: AccessLogField.contextErrorResponseType(),
  traceId: AccessLogField.contextXrayTraceId(),
};

/** The MCP endpoint: a REST API, because only those stream answers, and the one way to its function. */
export class McpApi extends Construct {
  readonly function: DispatchFunction;
  readonly api: RestApi;
  readonly url: string;
  /** All without which nobody gets in, though the API keeps its address. */
  readonly wayIn: readonly IConstruct[];
  /**
   * The same address for agents, and what a role needs to call it: by the API alone, whatever of it is there yet. What runs agents is
   * made before the way in, and outlives it.
   */
  readonly forAgents: { endpoint: string; arn: string };

  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id);
    const { cloud, backends, artifacts, workflow } = deployment;
    this.function = new DispatchFunction(this, "Handler", {
      deployment,
      bundle: "mcp",
      // A call waits 45 s at most.
      timeout: Duration.minutes(2),
      memorySize: functionMemory.mcp,
      reserved: cloud.concurrency.mcp ?? undefined,
    });
    artifacts.grantReadWrite(this.function);
    // How many calls may wait follows from how many functions may run. It knows no resources.
    this.function.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ["servicequotas:GetServiceQuota"], resources: ["*"] }),
    );
    workflow.grantStart(this.function);
    // The last two for who stops everything at once: a stop that only the workflow could carry out would need it alive.
    for (const backend of backends)
      for (const use of ["check", "invoke", "stop", "deleteRuntime"] as const) backend.grant(use, this.function);

    const { requestsPerSecond, burst } = cloud.throttle;
    this.api = new RestApi(this, "Api", {
      restApiName: cloud.stackName,
      description: "AgentDispatch: the MCP endpoint",
      endpointTypes: [EndpointType.REGIONAL],
      // An account has one such role in a region; without it no API of the account can write logs. So it stays in any case:
      // what is set for all APIs must not name a role that is gone.
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN,
      deployOptions: {
        stageName: STAGE,
        throttlingRateLimit: requestsPerSecond,
        throttlingBurstLimit: burst,
        // Those of the API as a whole are free, and are what the alarms read; those of each method are paid for.
        metricsEnabled: false,
        tracingEnabled: true,
        loggingLevel: MethodLoggingLevel.OFF,
        dataTraceEnabled: false,
        accessLogDestination: new LogGroupLogDestination(
          logGroup(this, "Logs", cloud, `/aws/apigateway/${cloud.stackName}`),
        ),
        accessLogFormat: AccessLogFormat.custom(JSON.stringify(accessLog)),
      },
    });
    // Its address without the resource would be one output more that nobody can use.
    this.api.node.tryRemoveChild("Endpoint");
    this.api.addGatewayResponse("TooLong", {
      type: ResponseType.REQUEST_TOO_LARGE,
      templates: { "application/json": tooLong },
    });
    const integration = new LambdaIntegration(this.function.lambda, {
      responseTransferMode: ResponseTransferMode.STREAM,
      timeout: Duration.minutes(15),
      // It would let the console invoke the function past what the endpoint demands.
      allowTestInvoke: false,
    });
    const mcpResource = this.api.root.addResource("mcp");
    const method = mcpResource.addMethod("ANY", integration, { authorizationType: AuthorizationType.IAM });
    this.url = this.api.urlForPath("/mcp");
    this.wayIn = [this.function, method, this.api.deploymentStage];
    const { region, urlSuffix } = Stack.of(this);
    this.forAgents = {
      endpoint: `https://${this.api.restApiId}.execute-api.${region}.${urlSuffix}/${STAGE}/mcp`,
      arn: this.api.arnForExecuteApi("POST", "/mcp", STAGE),
    };
  }
}
