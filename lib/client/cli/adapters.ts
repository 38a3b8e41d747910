import { agentCore } from "../../backends/agentcore/description.ts";
import type { BackendDescription } from "../../backends/description.ts";
import { localProcess } from "../../backends/local-process/description.ts";

/** What a local system has, as data: enough to check a configuration without starting one. */
export const adapters: readonly BackendDescription[] = [localProcess, agentCore];
