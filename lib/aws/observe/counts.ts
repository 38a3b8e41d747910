import { Metrics } from "@aws-lambda-powertools/metrics";
import { type Decision, dimensionOf, metrics as known, measured } from "../../contract/observation/decision.ts";

/**
 * Writes what decisions count as lines of CloudWatch's embedded metric format, of which it makes metrics. Namespace and service
 * come from the environment.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function functionCounts(): (decision: Decision) => void {
  const metrics = new Metrics();
  return (decision) => {
    for (const { name, value, of } of measured(decision)) {
      const dimension = dimensionOf(name);
      if (dimension !== undefined && of !== undefined) metrics.addDimension(dimension, of);
      // So that whoever sees a value finds the task.
      if ("taskId" in decision) metrics.addMetadata("taskId", decision.taskId);
      metrics.addMetric(name, known[name].unit, value);
      metrics.publishStoredMetrics();
    }
  };
}
