import * as z from "zod";
import { explainWithSuggestion } from "../../config/issues.ts";
import { InvalidInputError, type Issue, taskNotFound } from "../../contract/errors.ts";
import { toIssue } from "../../contract/issues.ts";
import type { Json, Task } from "../../contract/task.ts";
import type { Ports } from "../../engine/ports.ts";

/** What a tool may touch, and for whom. */
export type Context = {
  ports: Ports;
  owner: string;
  /** Aborted when the caller has gone. */
  signal: AbortSignal;
  /** Tells a caller that asked for it how far the work is; `progress` must grow from call to call. */
  notify?: ((progress: number, message?: string) => Promise<void>) | undefined;
};

/** A tool's answer. `bare` goes into the text block instead of the structured content, for lists. */
export type Answer = { structured: Json; bare?: unknown };

export type Annotations = {
  readOnlyHint: boolean;
  idempotentHint: boolean;
  destructiveHint: boolean;
  openWorldHint: boolean;
};

/** A tool as a client sees it, and as it is called: with arguments that nobody has looked at yet. */
export type Tool = {
  name: string;
  title: string;
  description: string;
  inputSchema: Json & { type: "object" };
  outputSchema: Json & { type: "object" };
  annotations: Annotations;
  call(context: Context, raw: Json): Promise<Answer>;
};

type Definition<Shape extends z.ZodRawShape> = {
  name: string;
  title: string;
  description: string;
  input: z.ZodObject<Shape>;
  /** Fields of the result; see `shape`. */
  output: Json & { type: "object" };
  annotations: Annotations;
  /** Renames or takes out fields before the input is checked. */
  prepare?(raw: Json, context: Context): Json;
  /** `raw` is what the caller sent, for what the schema does not know. */
  run(context: Context, input: z.output<z.ZodObject<Shape>>, raw: Json): Promise<Answer>;
  /** Whether more fields are accepted than the schema lists; then the listed schema does not deny them. */
  open?: boolean;
};

/** Makes a tool: its input is validated, with all mistakes together, before `run` sees it. */
export function tool<Shape extends z.ZodRawShape>(definition: Definition<Shape>): Tool {
  const { name, title, description, input, output, annotations, prepare, run, open = false } = definition;
  let listed: Tool["inputSchema"] | undefined;
  return {
    name,
    title,
    description,
    // Made when first listed: it would be a tenth of what the function takes to start.
    get inputSchema() {
      listed ??= listedSchema(input, open);
      return listed;
    },
    outputSchema: output,
    annotations,
    call: async (context, raw) => {
      const said = withoutNulls(input, raw, open);
      return run(context, parse(input, prepare?.(said, context) ?? said), said);
    },
  };
}

/** Validates a value. Throws InvalidInputError with every mistake. */
function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value, { error: explainWithSuggestion });
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(parsed.error.issues.map(toIssue));
}

/** What is wrong with a value, each mistake with its path below `path`; nothing when it is as the schema says. */
export function issuesIn(schema: z.ZodType, value: unknown, path = ""): Issue[] {
  const { error } = schema.safeParse(value, { error: explainWithSuggestion });
  return (error?.issues ?? []).map(toIssue).map((issue) => ({
    path: [path, issue.path].filter((part) => part !== "").join("."),
    message: issue.message,
  }));
}

/**
 * A call without the optional fields that are null, which some clients send for what was left out, at any depth that the
 * schema describes. With `open`, fields that the schema does not list may be left out too.
 */
export function withoutNulls(schema: z.ZodObject, value: Json, open = false): Json {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) => {
      const type: unknown = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
      if (field === null && (type === undefined ? open : type instanceof z.ZodOptional)) return [];
      const inner = type instanceof z.ZodOptional ? type.unwrap() : type;
      return [[name, inner instanceof z.ZodObject && isJson(field) ? withoutNulls(inner, field) : field]];
    }),
  );
}

/** Whether a value is a JSON object. */
export const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The result schema of a tool, shallow: names and types. Nothing is required, because there are clients that hold an error
 * against it too, and show their own complaint in its place.
 */
export const shape = (fields: Record<string, string>): Json & { type: "object" } => ({
  type: "object",
  properties: Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, type === "any" ? {} : { type }])),
});

/** The caller's task. Another owner's task does not exist: throws RefusedError `task.not_found`. */
export async function ownTask({ ports, owner }: Context, id: string): Promise<Task> {
  const task = await ports.store.get(id);
  if (!task || task.owner !== owner) throw taskNotFound(id);
  return task;
}

export const reads: Annotations = {
  readOnlyHint: true,
  idempotentHint: true,
  destructiveHint: false,
  openWorldHint: false,
};

/** There are models that take no list of types: each becomes a schema of its own. */
const oneType = (_key: string, schema: unknown): unknown => {
  if (!isJson(schema) || !Array.isArray(schema.type)) return schema;
  const { type, ...rest } = schema;
  return { ...rest, anyOf: type.map((one) => ({ type: one })) };
};

/** The schema as it is listed: without what a model cannot use, because every token of the list costs. */
function listedSchema(schema: z.ZodObject, open: boolean): Json & { type: "object" } {
  const json = z.toJSONSchema(schema, {
    io: "input",
    override: ({ jsonSchema }) => {
      delete jsonSchema.propertyNames;
      delete jsonSchema.pattern;
      delete jsonSchema.maxLength;
      delete jsonSchema.minLength;
      const { additionalProperties: more } = jsonSchema;
      if (typeof more === "object" && Object.keys(more).length === 0) delete jsonSchema.additionalProperties;
    },
  });
  const { $schema: _, ...listed } = JSON.parse(JSON.stringify(json), oneType) as Json;
  if (open) delete listed.additionalProperties;
  return { ...listed, type: "object" };
}
