/**
 * The day on which these prices were looked up: list prices in US dollars for us-east-1 and us-west-2, which are the same by what
 * was read, without taxes, discounts and free allowances.
 */
export const pricesDate = "2026-11-22";

type Price = {
  /** US dollars for one `unit`, in the first tier where there are several. */
  usd: number;
  unit: string;
  /** The public page that says it. */
  source: string;
  /** When that page, or AWS's price list behind it, was read last, and what is not certain. */
  read: string;
};

const priceList = (offer: string, region: string) =>
  `https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/${offer}/current/${region}/index.json`;
const cloudWatch = "https://aws.amazon.com/cloudwatch/pricing/";
const agentCore = "https://aws.amazon.com/bedrock/agentcore/pricing/";
const inAugust = "2026-08-08, the price list of us-west-2";

/** All that an estimate or docs/COSTS.md is computed from. */
export const prices = {
  lambdaRequest: { usd: 0.2e-6, unit: "invocation", source: priceList("AWSLambda", "us-west-2"), read: inAugust },
  lambdaGbSecond: {
    usd: 0.0000133334,
    unit: "GB-second on arm64",
    source: priceList("AWSLambda", "us-west-2"),
    read: inAugust,
  },
  transition: {
    usd: 25e-6,
    unit: "state transition of a standard workflow",
    source: "https://aws.amazon.com/step-functions/pricing/",
    read: "the table of regions without a date; the price list of eu-west-1, where it is the same, in October 2026",
  },
  writeUnit: {
    usd: 0.625e-6,
    unit: "write request unit (1 KB)",
    source: priceList("AmazonDynamoDB", "us-west-2"),
    read: inAugust,
  },
  readUnit: {
    usd: 0.125e-6,
    unit: "read request unit (4 KB, consistent)",
    source: priceList("AmazonDynamoDB", "us-west-2"),
    read: inAugust,
  },
  tableGbMonth: {
    usd: 0.25,
    unit: "GB-month in the table and its indexes",
    source: priceList("AmazonDynamoDB", "us-west-2"),
    read: inAugust,
  },
  recoveryGbMonth: {
    usd: 0.2,
    unit: "GB-month of point-in-time recovery",
    source: priceList("AmazonDynamoDB", "us-west-2"),
    read: inAugust,
  },
  apiRequest: {
    usd: 3.5e-6,
    unit: "request to a REST API, or 10 MB of a streamed answer",
    source: "https://aws.amazon.com/api-gateway/pricing/",
    read: "2026-08-04, for us-east-1",
  },
  s3Write: {
    usd: 5e-6,
    unit: "PUT or LIST request to S3",
    source: priceList("AmazonS3", "us-east-1"),
    read: "2026-09-28, the price list of us-east-1",
  },
  s3Read: {
    usd: 0.4e-6,
    unit: "GET or HEAD request to S3",
    source: priceList("AmazonS3", "us-east-1"),
    read: "2026-09-28, the price list of us-east-1",
  },
  s3GbMonth: { usd: 0.023, unit: "GB-month in S3", source: priceList("AmazonS3", "us-west-2"), read: inAugust },
  logGb: { usd: 0.5, unit: "GB of logs taken in", source: priceList("AmazonCloudWatch", "us-west-2"), read: inAugust },
  logGbMonth: {
    usd: 0.03,
    unit: "GB-month of logs, compressed",
    source: priceList("AmazonCloudWatch", "us-west-2"),
    read: inAugust,
  },
  queryGb: { usd: 0.005, unit: "GB that a query of logs reads", source: cloudWatch, read: "February 2026" },
  metricMonth: {
    usd: 0.3,
    unit: "metric and month, by the hours in which it is written",
    source: priceList("AmazonCloudWatch", "us-west-2"),
    read: inAugust,
  },
  alarmMonth: {
    usd: 0.1,
    unit: "metric that an alarm reads, and month",
    source: priceList("AmazonCloudWatch", "us-west-2"),
    read: inAugust,
  },
  dashboardMonth: { usd: 3, unit: "dashboard and month", source: cloudWatch, read: "June 2026" },
  trace: { usd: 5e-6, unit: "trace that X-Ray keeps", source: priceList("AWSXRay", "us-west-2"), read: inAugust },
  imageGbMonth: {
    usd: 0.1,
    unit: "GB-month of images in ECR",
    source: priceList("AmazonECR", "us-east-1"),
    read: "2026-08-04, the price list of us-east-1",
  },
  egressGb: {
    usd: 0.09,
    unit: "GB sent to the internet",
    source: "https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer",
    read: "October 2025; not confirmed for 2026",
  },
  sessionCpuHour: {
    usd: 0.0895,
    unit: "vCPU-hour of AgentCore V1, for what is used",
    source: agentCore,
    read: "2026-09-26, for us-west-2",
  },
  sessionGbHour: {
    usd: 0.00945,
    unit: "GB-hour of AgentCore V1, for the most that was used",
    source: agentCore,
    read: "2026-09-26, for us-west-2",
  },
  sessionCpuHourV2: {
    usd: 0.1276,
    unit: "vCPU-hour of AgentCore V2",
    source: agentCore,
    read: "2026-09-26, for us-west-2",
  },
  sessionGbHourV2: {
    usd: 0.0169,
    unit: "GB-hour of AgentCore V2",
    source: agentCore,
    read: "2026-09-26, for us-west-2",
  },
} as const satisfies Record<string, Price>;
