export type JsonObject = Record<string, unknown>;

/** Whether a value is an object with named fields. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The object that a text is as JSON, its texts without halves of characters; undefined for any other text. */
export function parseJsonObject(text: string): JsonObject | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(SURROGATE.test(text) ? wellFormed(text) : text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Half of a character, which JSON can hold and many of its readers refuse, can only stand in it escaped. */
const SURROGATE = /\\u[dD][89a-fA-F]/;
/** Both halves of one character, one alone, or any other escape. */
const ESCAPES = /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(\\u[dD][89a-fA-F][\da-fA-F]{2})|\\./g;
const wellFormed = (text: string) => text.replace(ESCAPES, (found, half) => (half ? "\\ufffd" : found));

/** A number as it is, and 0 for what is none: where somebody else counts, a count may be missing. */
export const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0);

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The fields that are there: one that is undefined would hide another of the same name, and is no JSON. */
export const defined = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
