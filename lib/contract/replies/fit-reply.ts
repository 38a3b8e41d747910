import { isObject } from "../json.ts";
import { previewText } from "../preview.ts";
import { countFitting, MAX_REPLY, replySize } from "./reply-size.ts";

type Fitted = { previews?: string[]; more?: number };

/**
 * The answer, or one that fits: as often as needed, what is longest in it loses its half, a text its middle and a list its
 * end. `previews` names the fields that did; where the answer is a list, or counts what its lists leave out, `more` counts what
 * these lose. The last net: what must arrive whole comes in pages, and is never so long here.
 */
export function fitReply<T extends object>(answer: T, room = MAX_REPLY): T & Fitted {
  if (replySize(answer) <= room) return answer;
  const copy = JSON.parse(JSON.stringify(answer)) as T & Fitted;
  const previews = new Set(copy.previews ?? []);
  for (let step = 0; step < MAX_HALVINGS && replySize(copy) > room; step++) {
    const before = lengthsOf(copy);
    const field = halve(copy, room - NOTES);
    if (field === undefined) break;
    const lost = (before.get(field) ?? 0) - (lengthsOf(copy).get(field) ?? 0);
    if (lost > 0 && (field === "items" || copy.more !== undefined)) copy.more = (copy.more ?? 0) + lost;
    else copy.previews = [...previews.add(field)];
  }
  return copy;
}

const lengthsOf = (answer: object): Map<string, number> =>
  new Map(Object.entries(answer).flatMap(([name, value]) => (Array.isArray(value) ? [[name, value.length]] : [])));

/** What is said of what is left out. */
const NOTES = 200;

const MAX_HALVINGS = 200;
/** Texts that are shorter are left as they are. */
const SHORT = 200;
/** An object with more fields is a list with names. */
const MANY = 30;

/**
 * Halves what is longest in there, of a list of the answer only as much as has to go, and tells the name of the field that it
 * is in; undefined where nothing is long.
 */
function halve(root: object, room: number): string | undefined {
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
      const half = Math.floor(entries.length / 2);
      const isOwn = Array.isArray(at) && (root as Record<string, unknown>)[field] === at;
      const kept = isOwn ? Math.max(half, countFitting(at as [], room - replySize({ ...root, [field]: [] }))) : half;
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
