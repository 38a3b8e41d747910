import * as z from "zod";
import { isObject, type JsonObject } from "../contract/json.ts";
import { toolSchemas } from "../contract/tools/index.ts";
import type { ToolSchemas } from "../contract/tools/schemas.ts";
import type { Said } from "./tool.ts";

type ObjectSchema = JsonObject & { type: "object" };

/** A tool as it stands in the list, with its schemas; every token of it costs whoever reads the list. */
export function listed({ name, title, description, annotations, searchHint }: Said) {
  return {
    name,
    title,
    description,
    annotations,
    inputSchema: inputSchema(toolSchemas[name]),
    outputSchema: outputSchema(toolSchemas[name]),
    // Claude Code (2.1.330) reads this where it defers tools; its documentation does not name the key.
    ...(searchHint !== undefined && { _meta: { "anthropic/searchHint": searchHint } }),
  };
}

/** Without what a model cannot use. */
function inputSchema({ input }: ToolSchemas): ObjectSchema {
  const json = z.toJSONSchema(input, {
    io: "input",
    override: ({ jsonSchema }) => {
      delete jsonSchema.propertyNames;
      delete jsonSchema.pattern;
      delete jsonSchema.maxLength;
      delete jsonSchema.minLength;
      const { additionalProperties: more } = jsonSchema;
      if (!more || (typeof more === "object" && Object.keys(more).length === 0)) delete jsonSchema.additionalProperties;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.described) {
        delete jsonSchema.described;
        delete jsonSchema.anyOf;
      }
    },
  });
  const { $schema: _, properties = {}, ...schema } = JSON.parse(JSON.stringify(json), oneType) as JsonObject;
  const shown = Object.entries(properties as JsonObject).filter(([, field]) => !isObject(field) || !field.unlisted);
  return { ...schema, type: "object", properties: Object.fromEntries(shown) };
}

/** There are models that take no list of types: each becomes a schema of its own. */
const oneType = (_key: string, schema: unknown): unknown => {
  if (!isObject(schema) || !Array.isArray(schema.type)) return schema;
  const { type, ...rest } = schema;
  return { ...rest, anyOf: type.map((one) => ({ type: one })) };
};

/**
 * Shallow: names and types. Nothing is required, because there are clients that hold an error against it too, and show their
 * own complaint in its place.
 */
function outputSchema({ output }: ToolSchemas): ObjectSchema {
  const { anyOf, ...schema } = z.toJSONSchema(output, { io: "input" });
  const objects = anyOf ?? [schema];
  const fields = objects.flatMap(({ properties = {} }) => Object.entries(properties));
  const shown = fields.filter(([, field]) => typeof field === "object" && field.unlisted !== true);
  return { type: "object", properties: Object.fromEntries(shown.map(([name, field]) => [name, typeOf(field)])) };
}

const typeOf = (field: unknown): JsonObject =>
  isObject(field) && field.type !== undefined ? { type: field.type } : {};
