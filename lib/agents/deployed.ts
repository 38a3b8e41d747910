import { resolveLimits } from "../config/limits.ts";
import { type Configuration, own, type Runtime } from "../contract/configuration.ts";
import { RefusedError, toProblem } from "../contract/errors.ts";
import { defined } from "../contract/json.ts";
import type { Json } from "../contract/task.ts";
import type { Agent, InspectedAgent } from "../contract/tools/agents.ts";
import type { Check } from "../contract/tools/check-cloud-agent-runtime.ts";
import { type ToolResult as Result, toolSchemas } from "../contract/tools/index.ts";
import { readArguments } from "../engine/service/arguments.ts";
import type { TaskService } from "../engine/service.ts";
import { typicalThere } from "./names-there.ts";
import { saidBy } from "./profile.ts";
import type { Agents } from "./service.ts";

type Options = { tasks: Pick<TaskService, "check" | "typical">; configuration(): Configuration };

/**
 * The agents of a deployment: the runtime profiles of its configuration that say what they are for. They have no folder, and
 * change with the next deployment alone. Methods throw as those of AgentService do.
 */
export class DeployedAgents implements Agents {
  readonly #options: Options;
  readonly add = unchangeable;
  readonly update = unchangeable;
  readonly remove = unchangeable;
  readonly addGroup = unchangeable;
  readonly updateGroup = unchangeable;
  readonly removeGroup = unchangeable;

  constructor(options: Options) {
    this.#options = options;
  }

  /** All agents, by name. */
  async list(given: Json): Promise<Result<"list_agents">> {
    readArguments(toolSchemas.list_agents, given);
    const { runtimes } = this.#options.configuration();
    const agents = Object.entries(runtimes).filter(([, { description }]) => description !== undefined);
    agents.sort(([a], [b]) => (a < b ? -1 : 1));
    const typical = await this.#options.tasks.typical(agents.map(([name]) => ({ name })));
    const checked = await Promise.all(agents.map(([name]) => this.#checks(name, false)));
    return { items: agents.map(([name, profile], n) => described(name, profile, checked[n], typical.get(name))) };
  }

  /** All that is known of an agent, or of any other runtime profile. */
  async inspect(given: Json): Promise<InspectedAgent> {
    const { name } = readArguments(toolSchemas.inspect_agent, given);
    const configuration = this.#options.configuration();
    const profile = own(configuration.runtimes, name);
    if (!profile) throw unknown(configuration, name);
    const checks = await this.#checks(name, true);
    const typical = await this.#options.tasks.typical([{ name }]);
    return {
      ...described(name, profile, checks, typical.get(name)),
      timeout: resolveLimits(configuration, profile, {}).timeoutSeconds,
      ...defined({ max_budget_usd: profile.limits?.maxBudgetUsd, instructions: profile.instructions }),
      checks,
      files: [],
    };
  }

  /** Whether it could work. */
  async #checks(name: string, live: boolean): Promise<Check[]> {
    try {
      return (await this.#options.tasks.check({ runtime: name, live })).checks;
    } catch (error) {
      return [{ name: "routing", status: "fail", message: toProblem(error).message }];
    }
  }
}

function described(
  name: string,
  profile: Runtime,
  checks: readonly Check[] = [],
  typical?: NonNullable<Agent["typical"]>,
): Agent {
  const failed = checks.filter(({ status }) => status === "fail");
  const said = saidBy(name, profile);
  const { permissionMode, allowedTools, deniedTools } = said;
  return {
    ...said,
    ...defined({ permission_mode: permissionMode, allowed_tools: allowedTools, disallowed_tools: deniedTools }),
    description: profile.description ?? "",
    healthy: failed.length === 0,
    ...(failed.length > 0 && { problems: failed.map(({ message }) => message) }),
    stacks: [],
    databases: [],
    mcpServers: [],
    ...(typical && { typical: { ...typical, ...typicalThere(typical) } }),
  };
}

function unknown({ runtimes }: Configuration, name: string): RefusedError {
  const known = Object.keys(runtimes).slice(0, 50);
  return new RefusedError("runtime_profile.not_found", `no agent is named ${name}`, {
    hint: `there are: ${known.join(", ")}`,
    details: { choices: known },
  });
}

/** Throws RefusedError `configuration.unwritable`. */
async function unchangeable(): Promise<never> {
  throw new RefusedError(
    "configuration.unwritable",
    "the agents and groups of a deployment change with the next one alone",
    {
      hint: "change runtimes or groups in the configuration file that the stack is deployed with, and deploy it again",
    },
  );
}
