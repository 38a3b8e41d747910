#!/usr/bin/env node
/** The CDK app: configuration in, stack out. Bundles into the folder named, or into `dist`. */
import { App } from "aws-cdk-lib";
import { ConfigurationError } from "../lib/config/locate.ts";
import { bundleAll, copyAgent } from "../lib/infra/bundle.ts";
import { loadCloudConfiguration, writeConfiguration } from "../lib/infra/configuration.ts";
import { DispatchStack } from "../lib/infra/dispatch-stack.ts";

const bundles = process.argv[2] ?? "dist";
try {
  const { agent, ...configured } = loadCloudConfiguration({ cwd: process.cwd() });
  await bundleAll(bundles);
  await copyAgent(bundles, agent);
  await writeConfiguration(bundles, configured.input);
  const app = new App();
  new DispatchStack(app, configured.configuration.cloud.stackName, { ...configured, bundles });
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
