import * as z from "zod";
import { InvalidInputError, type Mistake, taskNotFound } from "../../../lib/domain/errors.ts";
import type { Ports } from "../../../lib/domain/ports.ts";
import { toMistake } from "../../../lib/domain/profile.ts";
import type { Json, Task } from "../../../lib/domain/task.ts";

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
    call: async (context, raw) => run(context, parse(input, prepare?.(raw, context) ?? raw), raw),
  };
}

/** Validates a value. Throws InvalidInputError with every mistake. */
function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(mistakesOf(parsed.error));
}

/** The mistakes of a failed validation, each with its path below `path`. */
export const mistakesOf = (error: z.ZodError, path = ""): Mistake[] =>
  error.issues.map(toMistake).map((mistake) => ({
    path: [path, mistake.path].filter((part) => part !== "").join("."),
    message: mistake.message,
  }));

/** The result schema of a tool, shallow: names and types. A name that ends in `?` may be missing. */
export function shape(fields: Record<string, string>): Json & { type: "object" } {
  const names = Object.keys(fields);
  return {
    type: "object",
    properties: Object.fromEntries(
      names.map((name) => [name.replace("?", ""), fields[name] === "any" ? {} : { type: fields[name] }]),
    ),
    required: names.filter((name) => !name.endsWith("?")),
  };
}

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
  const { $schema: _, ...listed } = json;
  if (open) delete listed.additionalProperties;
  return { ...listed, type: "object" };
}
