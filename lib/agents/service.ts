import { groupNamed } from "../config/groups.ts";
import type { Change } from "../config/json-edit.ts";
import { resolveLimits } from "../config/limits.ts";
import { type Configuration, own } from "../contract/configuration.ts";
import { InvalidInputError, RefusedError, toProblem } from "../contract/errors.ts";
import { defined, isObject } from "../contract/json.ts";
import type { Json } from "../contract/task.ts";
import type { Agent, InspectedAgent } from "../contract/tools/agents.ts";
import type { Check } from "../contract/tools/check-cloud-agent-runtime.ts";
import { type ToolResult as Result, toolSchemas } from "../contract/tools/index.ts";
import { readArguments } from "../engine/service/arguments.ts";
import type { TaskService } from "../engine/service.ts";
import { readProject } from "./describe.ts";
import { additionOf, updateOf } from "./groups.ts";
import { readGuides } from "./guides.ts";
import { typicalThere } from "./names-there.ts";
import { changedBy, guidesThere, inOurWords, underNamesThere } from "./other-names.ts";
import { type AgentProfile, fieldsOf, isAgent, placesOf, profileOf, saidBy } from "./profile.ts";
import { folderProblem } from "./project-folder.ts";
import { registrable } from "./registration.ts";

/** What the service is given. */
export type AgentOptions = {
  /** The tasks of whoever asks. */
  tasks: TaskService;
  configuration(): Configuration;
  /** The configuration file, which need not be there. */
  file(): string;
  /** Changes that file as `editConfigurationFile` does; with `dry` only says whether it could. */
  edit(decide: (configuration: Configuration) => readonly Change[], dry?: boolean): Promise<Configuration>;
  /** The backend that runs jobs in folders of this machine; undefined where none is configured. */
  backendOf(configuration: Configuration): string | undefined;
  stateDir: string;
};

/** What can be done with agents, wherever they are. */
export type Agents = Pick<
  AgentService,
  "list" | "inspect" | "add" | "update" | "remove" | "addGroup" | "updateGroup" | "removeGroup"
>;

/** Agents that one list holds. */
const MAX_LISTED = 100;
/**
 * The agents of a person: the runtime profiles that live in folders of this machine. They are in the configuration file and
 * nowhere else, and changing one changes it there. Methods throw InvalidInputError with every issue, RefusedError
 * (`runtime_profile.not_found` among them) and RetryableError.
 */
export class AgentService {
  readonly #options: AgentOptions;

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  /** All agents, by name. */
  async list(given: Json): Promise<Result<"list_agents">> {
    readArguments(toolSchemas.list_agents, given);
    const agents = this.#agents().sort(([a], [b]) => (a < b ? -1 : 1));
    const shown = agents.slice(0, MAX_LISTED);
    const typical = await this.#typical(shown);
    const items = await Promise.all(shown.map(([name, profile]) => this.#describe(name, profile, typical.get(name))));
    return { items, ...(agents.length > shown.length && { more: agents.length - shown.length }) };
  }

  /** All that is known of an agent. */
  async inspect(given: Json): Promise<InspectedAgent> {
    const { name, preview_lines = 40 } = readArguments(toolSchemas.inspect_agent, given);
    const configuration = this.#options.configuration();
    const profile = this.#agent(configuration, name);
    const { instructions, runtimeTools, workspace } = profile;
    const checks = await this.#checks(name, profile, true);
    const files = await readGuides(workspace, preview_lines);
    const { timeoutSeconds } = resolveLimits(configuration, profile, {});
    return {
      ...(await this.#describe(name, profile, (await this.#typical([[name, profile]])).get(name), checks)),
      ...defined({ timeout: timeoutSeconds, max_budget_usd: profile.limits?.maxBudgetUsd }),
      ...(await guidesThere({ workspace, files })),
      ...(instructions !== undefined && { instructions }),
      ...(runtimeTools && { runtimeTools: withoutServers(runtimeTools) }),
      checks,
      files,
      file: this.#options.file(),
    };
  }

  /** Writes a new agent into the configuration file. */
  async add(given: Json): Promise<Result<"add_agent">> {
    const { name, dry_run: dry = false, ...call } = readArguments(toolSchemas.add_agent, inOurWords(given));
    const workspace = await registrable(call.workspace, this.#options.stateDir);
    const configuration = await this.#options.edit((known) => {
      if (own(known.runtimes, name))
        throw new InvalidInputError([{ path: "name", message: `there is a runtime profile ${name} already` }], {
          hint: "choose another name; update_agent changes an agent that is there",
        });
      const backend = this.#options.backendOf(known);
      if (backend === undefined)
        throw new RefusedError("backend.not_found", "no backend of the configuration runs jobs on this machine", {
          hint: `add "local": { "provider": "local" } to accounts in ${this.#options.file()}`,
        });
      return [{ path: ["runtimes", name], value: profileOf(backend, { ...call, workspace }) }];
    }, dry);
    const { instructions } = call;
    const said = { added: name, ...defined({ instructions }) };
    const written = { ...(await this.#written(configuration, name, dry)), ...said };
    return dry ? { ...written, dryRun: true } : written;
  }

  /** Changes the fields of an agent that are given, and takes away those that are named. */
  async update(given: Json): Promise<Result<"update_agent">> {
    const {
      name,
      unset = [],
      ...call
    } = readArguments(toolSchemas.update_agent, inOurWords(given, { mayUnset: true }));
    const changed = changedBy(given);
    if (changed.length === 0)
      throw new InvalidInputError([{ path: "", message: "names nothing to change: give a field, or unset" }]);
    const both = unset.filter((field) => call[field] !== undefined);
    if (both.length > 0)
      throw new InvalidInputError([{ path: "unset", message: `names what is given as well: ${both.join(", ")}` }]);
    const { stateDir } = this.#options;
    const workspace = call.workspace === undefined ? undefined : await registrable(call.workspace, stateDir);
    const configuration = await this.#options.edit((known) => {
      this.#agent(known, name);
      const at = (path: readonly string[]) => ["runtimes", name, ...path];
      return [
        ...placesOf(unset).map((path) => ({ path: at(path), value: undefined })),
        ...fieldsOf({ ...call, workspace }).map(({ path, value }) => ({ path: at(path), value })),
      ];
    });
    return { ...(await this.#written(configuration, name, false)), updated: name, fields: changed };
  }

  /** Takes an agent out of the configuration file; its folder stays as it is. */
  async remove(given: Json): Promise<Result<"remove_agent">> {
    const { name } = readArguments(toolSchemas.remove_agent, given);
    let workspace = "";
    await this.#options.edit((known) => {
      ({ workspace } = this.#agent(known, name));
      if (known.defaults.runtime === name)
        throw new InvalidInputError([{ path: "name", message: `${name} is the default profile` }], {
          hint: "name another one as defaults.runtime in the configuration file first",
        });
      return [{ path: ["runtimes", name], value: undefined }];
    });
    return { name, workspace, file: this.#options.file(), removed: name };
  }

  /** Writes a new group into the configuration file. */
  async addGroup(given: Json): Promise<Result<"add_group">> {
    const { dry_run: dry = false, ...call } = readArguments(toolSchemas.add_group, given);
    await this.#options.edit((known) => additionOf(known, call), dry);
    const { name, description = "", shared_context = "" } = call;
    if (!dry) return this.#writtenGroup(name);
    const members = (call.members ?? []).map((member) => defined(member));
    const file = this.#options.file();
    return { name, description, shared_context, member_count: members.length, members, file, dryRun: true };
  }

  /** Changes what is given of a group. */
  async updateGroup(given: Json): Promise<Result<"update_group">> {
    const call = readArguments(toolSchemas.update_group, given);
    await this.#options.edit((known) => updateOf(known, call));
    return this.#writtenGroup(call.name);
  }

  /** Takes a group out of the configuration file; its agents stay. */
  async removeGroup(given: Json): Promise<Result<"remove_group">> {
    const { name } = readArguments(toolSchemas.remove_group, given);
    await this.#options.edit((known) => {
      groupNamed(known, name);
      return [{ path: ["groups", name], value: undefined }];
    });
    return { name, file: this.#options.file(), removed: true };
  }

  async #writtenGroup(name: string): Promise<Result<"update_group">> {
    return { ...(await this.#options.tasks.group({ name })), file: this.#options.file() };
  }

  #agents(): [string, AgentProfile][] {
    return Object.entries(this.#options.configuration().runtimes).filter((entry): entry is [string, AgentProfile] =>
      isAgent(entry[1]),
    );
  }

  /** Throws RefusedError `runtime_profile.not_found`. */
  #agent({ runtimes }: Configuration, name: string): AgentProfile {
    const profile = own(runtimes, name);
    if (isAgent(profile)) return profile;
    const known = Object.keys(runtimes).filter((each) => isAgent(own(runtimes, each)));
    const what = profile ? `the runtime profile ${name} lives in no folder` : `no agent is named ${name}`;
    throw new RefusedError("runtime_profile.not_found", what, {
      hint: known.length > 0 ? `there are: ${known.slice(0, 50).join(", ")}` : "add_agent makes one of a folder",
      details: { choices: known.slice(0, 50) },
    });
  }

  async #describe(name: string, profile: AgentProfile, typical?: Agent["typical"], known?: Check[]): Promise<Agent> {
    const checks = known ?? (await this.#checks(name, profile, false));
    const failed = checks.filter(({ status }) => status === "fail");
    return {
      ...(await describeAgent(name, profile)),
      healthy: failed.length === 0,
      ...(failed.length > 0 && { problems: failed.map(({ message }) => message) }),
      ...(typical && { typical: { ...typical, ...typicalThere(typical) } }),
    };
  }

  /** Whether it could work: its folder, and what a spawn of it would meet; with `live` its program is asked too. */
  async #checks(name: string, { workspace }: AgentProfile, live: boolean): Promise<Check[]> {
    const problem = await folderProblem(workspace);
    const folder: Check =
      problem === undefined
        ? { name: "folder", status: "pass", message: `${workspace} can be read` }
        : { name: "folder", status: "fail", message: problem };
    try {
      const { checks } = await this.#options.tasks.check({ runtime: name, live });
      // One reason is enough.
      return [folder, ...checks.filter((check) => problem === undefined || check.name !== "workspace")];
    } catch (error) {
      return [folder, { name: "routing", status: "fail", message: toProblem(error).message }];
    }
  }

  #typical(agents: readonly [string, AgentProfile][]) {
    return this.#options.tasks.typical(agents.map(([name, { workspace }]) => ({ name, workspace })));
  }

  async #written(configuration: Configuration, name: string, dry: boolean): Promise<Agent & { file: string }> {
    const file = this.#options.file();
    const profile = this.#agent(configuration, name);
    if (!dry) return { ...(await this.#describe(name, profile)), file };
    return { ...(await describeAgent(name, profile)), healthy: true, file };
  }
}

/** What an agent is, by its profile and its folder. */
async function describeAgent(name: string, profile: AgentProfile): Promise<Omit<Agent, "healthy">> {
  const project = await readProject(profile.workspace);
  const agent = {
    ...saidBy(name, profile),
    workspace: profile.workspace,
    ...project,
    description: profile.description ?? project.description,
  };
  return { ...agent, ...(await underNamesThere(agent)) };
}

/** What MCP servers are given may be secret, so they are named and no more. */
const withoutServers = ({ mcpServers, ...rest }: Json): Json => ({
  ...rest,
  ...(isObject(mcpServers) && { mcpServers: Object.keys(mcpServers) }),
});
