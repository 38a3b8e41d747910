import { Duration } from "aws-cdk-lib";
import { Metric, type MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import type { CloudSettings } from "../contract/cloud.ts";
import { dimensionOf, type MetricName } from "../contract/observation/decision.ts";

type Stack = Pick<CloudSettings, "stackName">;

/** Where the metrics of a stack's functions are. */
export const metricsNamespace = ({ stackName }: Stack): string => `AgentDispatch/${stackName}`;

/** A metric of the functions; one that has a dimension is that of one value of it. */
export function ourMetric(stack: Stack, name: MetricName, of?: string, options: MetricOptions = {}): Metric {
  const dimension = dimensionOf(name);
  return new Metric({
    namespace: metricsNamespace(stack),
    metricName: name,
    dimensionsMap: {
      service: stack.stackName,
      ...(dimension !== undefined && of !== undefined && { [dimension]: of }),
    },
    period: Duration.minutes(5),
    ...options,
  });
}
