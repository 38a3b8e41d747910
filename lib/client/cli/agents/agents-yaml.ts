import { homedir } from "node:os";
import { resolve } from "node:path";
import { LineCounter, parseDocument } from "yaml";
import * as z from "zod";
import {
  MAX_BRIEF,
  MAX_DESCRIPTION,
  MAX_LABEL,
  MAX_LABELS,
  MAX_SHARED_CONTEXT,
  nameSchema,
} from "../../../contract/configuration.ts";
import { InvalidInputError } from "../../../contract/errors.ts";
import { toIssue } from "../../../contract/issues.ts";
import { defined } from "../../../contract/json.ts";
import { permissionModes } from "../../../contract/kinds.ts";
import { MAX_TIMEOUT_SECONDS } from "../../../contract/limits.ts";
import type { ToolArguments } from "../../../contract/tools/index.ts";
import { oneLine } from "../print.ts";

/** A field that is not taken over, and why. */
export type LeftOut = { field: string; reason: string };
/** An agent of the file as a call of ours, with what of it is left out. */
export type PlannedAgent = { call: ToolArguments<"add_agent">; leftOut: LeftOut[] };
/** The same of a group. */
export type PlannedGroup = { call: ToolArguments<"add_group">; leftOut: LeftOut[] };

/** Nodes that aliases may stand for: more is a file that is made to fill the memory. */
const MAX_ALIASES = 100;

// As agent-dispatch 0.16 has them: https://pypi.org/project/agent-dispatch/
const texts = z.array(z.string()).nullish();
const agentSchema = z.looseObject({
  directory: z.string().min(1),
  description: z.string().nullish(),
  timeout: z.number().int().min(0).nullish(),
  max_budget_usd: z.number().min(0).nullish(),
  model: z.string().nullish(),
  permission_mode: z.string().nullish(),
  allowed_tools: texts,
  disallowed_tools: texts,
  instructions: z.string().nullish(),
  capabilities: texts,
  risky_capabilities: texts,
});
const groupSchema = z.looseObject({
  description: z.string().nullish(),
  shared_context: z.string().nullish(),
  members: z.array(z.looseObject({ agent: z.string(), use_for: z.string().nullish() })).nullish(),
});
const settingsSchema = z.looseObject({
  default_timeout: z.number().int().min(1).nullish(),
  default_max_budget_usd: z.number().min(0).nullish(),
  default_permission_mode: z.string().nullish(),
  default_allowed_tools: texts,
  default_disallowed_tools: texts,
});
const fileSchema = z.looseObject({
  agents: z.record(z.string(), agentSchema).nullish(),
  groups: z.record(z.string(), groupSchema).nullish(),
  settings: settingsSchema.nullish(),
});
type Settings = z.infer<typeof settingsSchema>;

const inherited = Object.keys(settingsSchema.shape);
/** What stands in the file and has no place here, with what there is instead. */
const reasons: Readonly<Record<string, string>> = {
  max_dispatch_depth: "for all tasks: defaults.limits.maxDepth in the configuration file",
  max_concurrency: "for all tasks: defaults.limits.maxRunning in the configuration file",
  job_retention_days: "for all tasks: retentionDays in the configuration file",
  cache: "for all tasks: cache.ttlSeconds in the configuration file",
  dispatch_protocol: "every agent is asked how far it came",
  usage_log: "what tasks took is kept with the tasks",
};

/**
 * What the `agents.yaml` of the Python program comes to here: a call for each agent, with what it inherits from the settings,
 * and for each group, and everything that is left out by name. Throws InvalidInputError for a text that is no such file.
 */
export function planImport(text: string): { agents: PlannedAgent[]; groups: PlannedGroup[]; leftOut: LeftOut[] } {
  const { agents, groups, settings, ...rest } = read(text);
  const others = Object.keys(settings ?? {}).filter((name) => !inherited.includes(name));
  return {
    agents: Object.entries(agents ?? {}).map(([name, agent]) => planAgent(name, agent, settings ?? {})),
    groups: Object.entries(groups ?? {}).map(([name, group]) => planGroup(name, group)),
    leftOut: [
      ...others.map((name) => leftOut(name, `settings.${name}`)),
      ...Object.keys(rest).map((name) => leftOut(name)),
    ],
  };
}

const leftOut = (name: string, field = name): LeftOut => ({
  field,
  reason: Object.hasOwn(reasons, name) ? String(reasons[name]) : "not known to this program",
});

function planAgent(name: string, agent: z.infer<typeof agentSchema>, settings: Settings): PlannedAgent {
  const omitted = Object.keys(agent).filter(
    (field) => !Object.hasOwn(agentSchema.shape, field) && !isEmpty(agent[field]),
  );
  const notes = omitted.map((field) => leftOut(field));
  // Zero means the default there, and an empty list of the settings says nothing.
  const timeout = agent.timeout === 0 ? (settings.default_timeout ?? 300) : (agent.timeout ?? undefined);
  const description = agent.description?.trim();
  const mode = (agent.permission_mode || settings.default_permission_mode)?.trim();
  const knownMode = permissionModes.find((known) => known === mode);
  if (mode && !knownMode)
    notes.push({
      field: "permission_mode",
      reason: `${JSON.stringify(mode)} is none of ${permissionModes.join(", ")}`,
    });
  if (timeout !== undefined && timeout > MAX_TIMEOUT_SECONDS)
    notes.push({ field: "timeout", reason: `a task may take ${MAX_TIMEOUT_SECONDS} s at most, so it has that` });
  if (description !== undefined && description.length > MAX_DESCRIPTION)
    notes.push({ field: "description", reason: `cut to its first ${MAX_DESCRIPTION} characters` });
  const labelsOf = (field: "capabilities" | "risky_capabilities") => {
    const given = (agent[field] ?? []).map((label) => oneLine(label, Number.POSITIVE_INFINITY).trim()).filter(Boolean);
    const labels = given.filter((label) => label.length <= MAX_LABEL).slice(0, MAX_LABELS);
    if (labels.length < given.length)
      notes.push({ field, reason: `there may be ${MAX_LABELS} labels of ${MAX_LABEL} characters: the others` });
    return listed(labels);
  };
  const call = {
    name,
    workspace: resolve(agent.directory.replace(/^~(?=\/|$)/, homedir())),
    // It runs no other.
    framework: "claude-code",
    ...defined({
      description: description?.slice(0, MAX_DESCRIPTION) || undefined,
      instructions: agent.instructions?.trim() || undefined,
      model: agent.model?.trim() || undefined,
      permission_mode: knownMode,
      allowed_tools: agent.allowed_tools ?? listed(settings.default_allowed_tools),
      denied_tools: agent.disallowed_tools ?? listed(settings.default_disallowed_tools),
      timeout_seconds: timeout === undefined ? undefined : Math.min(timeout, MAX_TIMEOUT_SECONDS),
      max_budget_usd: agent.max_budget_usd || settings.default_max_budget_usd || undefined,
      capabilities: labelsOf("capabilities"),
      risky_capabilities: labelsOf("risky_capabilities"),
    }),
  };
  return { call, leftOut: notes };
}

function planGroup(name: string, group: z.infer<typeof groupSchema>): PlannedGroup {
  const { description, shared_context: shared, members, ...rest } = group;
  const cut = (field: string, text: string, most: number): LeftOut[] =>
    text.length > most ? [{ field, reason: `cut to its first ${most} characters` }] : [];
  const [brief, facts] = [description?.trim() ?? "", shared?.trim() ?? ""];
  const firstOf = new Map((members ?? []).toReversed().map((member) => [member.agent, member]));
  return {
    call: {
      name,
      ...defined({ description: brief.slice(0, MAX_BRIEF) || undefined }),
      ...defined({ shared_context: facts.slice(0, MAX_SHARED_CONTEXT) || undefined }),
      members: [...firstOf.values()]
        .toReversed()
        .map(({ agent, use_for }) => ({ agent, ...(use_for?.trim() && { use_for: oneLine(use_for, 500) }) })),
    },
    leftOut: [
      ...cut("description", brief, MAX_BRIEF),
      ...cut("shared_context", facts, MAX_SHARED_CONTEXT),
      ...Object.keys(rest).map((field) => leftOut(field)),
    ],
  };
}

const listed = (names: string[] | null | undefined): string[] | undefined => (names?.length ? names : undefined);
const isEmpty = (value: unknown): boolean => value === null || (Array.isArray(value) && value.length === 0);

function read(text: string): z.infer<typeof fileSchema> {
  const lineCounter = new LineCounter();
  // As the Python library reads it.
  const document = parseDocument(text, { version: "1.1", lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw new InvalidInputError([{ path: `${line}:${col}`, message: `not YAML (${error.code})` }]);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    throw new InvalidInputError([{ path: "", message: "its aliases stand for too much" }]);
  }
  const parsed = fileSchema.safeParse(value ?? {});
  const namesIn = (part: "agents" | "groups") =>
    Object.keys(parsed.data?.[part] ?? {})
      .filter((name) => !nameSchema.safeParse(name).success)
      .map((name) => ({ path: `${part}.${name.slice(0, 100)}`, message: "is no name that one may have" }));
  const issues = [...(parsed.error?.issues.map(toIssue) ?? []), ...namesIn("agents"), ...namesIn("groups")];
  if (parsed.success && issues.length === 0) return parsed.data;
  throw new InvalidInputError(issues);
}
