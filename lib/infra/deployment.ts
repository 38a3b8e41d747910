import type { Configuration } from "../contract/configuration.ts";
import type { ArtifactBucket } from "./artifact-bucket.ts";
import type { BackendGrants } from "./backend-grants.ts";
import type { TaskTable } from "./task-table.ts";
import type { WorkflowReference } from "./workflow-reference.ts";

/** What every function of the stack is made of and uses. */
export type Deployment = {
  cloud: Configuration["cloud"];
  /** The folder that `bundleAll` has filled. */
  bundles: string;
  table: TaskTable;
  artifacts: ArtifactBucket;
  /** Of each adapter that is deployed. */
  backends: readonly BackendGrants[];
  workflow: WorkflowReference;
  /** Whether a profile keeps sessions ready. */
  keepsWarm: boolean;
  /** Where agents reach the endpoint, where a profile lets some dispatch. */
  agentEndpoint?: string;
  /** What the defaults of a deployment refer to, by the names of the settings that say it. */
  environment: Record<string, string>;
};
