import { isObject } from "../json.ts";
import { previewText, splitsPair } from "../preview.ts";

/**
 * How much one reply holds, as `replySize` counts it. Of what tokenizers take worst, random letters and rare scripts, this is
 * 20,000 tokens; assistants refuse answers of 25,000, or cut them after 48,000 bytes.
 */
export const MAX_REPLY = 28_000;

/**
 * The size of a value in a reply: ASCII counts one per character, other characters three per UTF-16 unit, because tokens hold
 * fewer of them. A client reads either the text of a reply or its structured content, so it counts once.
 */
export function replySize(value: unknown): number {
  const text = JSON.stringify(value) ?? "";
  let size = text.length;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) size += 2;
  return size;
}

/** The longest beginning of a text that fits, without splitting a surrogate pair; at least one character. */
export function fittingLength(text: string, room: number): number {
  let length = text.length;
  for (let size = replySize(text); size > room && length > 1; size = replySize(text.slice(0, length))) {
    length = Math.max(1, Math.min(length - 1, Math.floor((length * room) / size)));
  }
  return splitsPair(text, length) ? length + (length === 1 ? 1 : -1) : length;
}

/**
 * The answer, or one that fits: as often as needed, what is longest in it loses its half, a text its middle and a list its
 * end, and `previews` names the fields that did. What must arrive whole comes in pages, and is never so long here.
 */
export function fitReply<T extends object>(answer: T, room = MAX_REPLY): T & { previews?: string[] } {
  if (replySize(answer) <= room) return answer;
  const copy = JSON.parse(JSON.stringify(answer)) as T & { previews?: string[] };
  const previews = new Set(copy.previews ?? []);
  for (let step = 0; step < MAX_HALVINGS && replySize(copy) > room; step++) {
    const field = halve(copy);
    if (field === undefined) break;
    previews.add(field);
    copy.previews = [...previews];
  }
  return copy;
}

const MAX_HALVINGS = 200;
/** Texts that are shorter are left as they are. */
const SHORT = 200;
/** An object with more fields is a list with names. */
const MANY = 30;

/** Halves what is longest in there, and tells the name of the field that it is in; undefined where nothing is long. */
function halve(root: object): string | undefined {
  let field: string | undefined;
  let at: object = root;
  for (;;) {
    const entries = Object.entries(at)
      .map(([name, value]) => ({ name, value: value as unknown, size: replySize(value) }))
      .filter(({ name }) => at !== root || name !== "previews");
    const longest = entries.reduce((a, b) => (b.size > a.size ? b : a), {
      name: "",
      value: undefined,
      size: 0,
    } as const);
    const total = entries.reduce((sum, { size }) => sum + size, 0);
    field ??= longest.name;
    // Nothing in it is long by itself: it has many. The few fields of a record are not to be missing.
    const hasMany = Array.isArray(at) ? entries.length > 1 : entries.length > MANY;
    if (at !== root && hasMany && (longest.size < total / 2 || longest.size < SHORT)) {
      const kept = Math.floor(entries.length / 2);
      if (Array.isArray(at)) at.length = kept;
      else for (const { name } of entries.slice(kept)) delete (at as Record<string, unknown>)[name];
      return field;
    }
    const { name, value, size } = longest;
    if (typeof value === "string") {
      if (value.length <= SHORT) return undefined;
      (at as Record<string, unknown>)[name] = previewText(value, Math.max(SHORT, Math.floor(value.length / 2)));
      return field;
    }
    if ((!Array.isArray(value) && !isObject(value)) || size <= SHORT) return undefined;
    at = value;
  }
}
