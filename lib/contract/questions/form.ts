import * as z from "zod";

const field = z.union([
  z.looseObject({
    type: z.literal("string"),
    enum: z.array(z.string()).optional(),
    oneOf: z.array(z.looseObject({ const: z.string(), title: z.string() })).optional(),
    minLength: z.number().optional(),
    maxLength: z.number().optional(),
    default: z.string().optional(),
  }),
  z.looseObject({
    type: z.enum(["number", "integer"]),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    default: z.number().optional(),
  }),
  z.looseObject({ type: z.literal("boolean"), default: z.boolean().optional() }),
  z.looseObject({
    type: z.literal("array"),
    minItems: z.number().optional(),
    maxItems: z.number().optional(),
    items: z.union([
      z.looseObject({ type: z.literal("string"), enum: z.array(z.string()) }),
      z.looseObject({ anyOf: z.array(z.looseObject({ const: z.string(), title: z.string() })) }),
    ]),
    default: z.array(z.string()).optional(),
  }),
]);
export type Field = z.infer<typeof field>;

/** The fields of a form: texts, numbers, yes or no, and choices. */
export const formSchema = z.looseObject({
  type: z.literal("object"),
  properties: z.record(z.string(), field),
  required: z.array(z.string()).optional(),
});
export type Form = z.infer<typeof formSchema>;

/** What one field is answered. */
export const valueSchema = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);
export type Value = z.infer<typeof valueSchema>;

/** A value as the form wants it, also from a text that says it; undefined for what it does not take. */
export function readValue(field: Field, said: unknown): Value | undefined {
  switch (field.type) {
    case "string": {
      const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = field;
      const choices = choicesOf(field);
      if (typeof said !== "string" || said.length < minLength || said.length > maxLength) return undefined;
      return choices && !choices.includes(said) ? undefined : said;
    }
    case "boolean":
      if (typeof said === "boolean") return said;
      return said === "true" || said === "yes" ? true : said === "false" || said === "no" ? false : undefined;
    case "array": {
      const list = typeof said === "string" ? said.split(",").map((each) => each.trim()) : said;
      const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = field;
      const choices = choicesOf(field) ?? [];
      if (!Array.isArray(list) || list.length < minItems || list.length > maxItems) return undefined;
      return list.every((each) => choices.includes(each)) ? list : undefined;
    }
    default: {
      const number = typeof said === "string" && said.trim() !== "" ? Number(said) : said;
      const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = field;
      if (typeof number !== "number" || !(number >= minimum && number <= maximum)) return undefined;
      return field.type === "integer" && !Number.isInteger(number) ? undefined : number;
    }
  }
}

const quoted = (choices: readonly string[]): string => choices.map((each) => JSON.stringify(each)).join(", ");

/** What may be chosen, where a field has a choice. */
function choicesOf(field: Field): string[] | undefined {
  if (field.type === "array") {
    const { items } = field;
    return "enum" in items ? (items.enum as string[]) : (items.anyOf as { const: string }[]).map((each) => each.const);
  }
  if (field.type !== "string") return undefined;
  return field.enum ?? field.oneOf?.map((each) => each.const);
}

/** What a field takes, in words. */
export function allowed(field: Field): string {
  const choices = choicesOf(field);
  const from = (least: unknown, most: unknown, unit = "") =>
    (least === undefined ? "" : `, ${least}${unit} at least`) + (most === undefined ? "" : `, ${most}${unit} at most`);
  switch (field.type) {
    case "string":
      return choices ? `one of ${quoted(choices)}` : `a text${from(field.minLength, field.maxLength, " characters")}`;
    case "boolean":
      return "true or false";
    case "array":
      return `a list of ${quoted(choices ?? [])}${from(field.minItems, field.maxItems)}`;
    default:
      return `${field.type === "integer" ? "a whole number" : "a number"}${from(field.minimum, field.maximum)}`;
  }
}
