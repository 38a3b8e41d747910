/**
 * The first and last parts of a text, with a line between them that says how much is left out. Text that fits is returned
 * whole. Lengths are UTF-16 units, and a surrogate pair is never split.
 */
export function previewText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const room = Math.max(0, maxLength - 80);
  const head = withoutHalfPair(text.slice(0, Math.ceil(room * 0.6)), "end");
  const tail = withoutHalfPair(text.slice(text.length - Math.floor(room * 0.4)), "start");
  return `${head}\n[... ${text.length - head.length - tail.length} characters left out ...]\n${tail}`;
}

/** The beginning of a text, of so many UTF-16 units at most; where more follows, it ends with an ellipsis. */
export const firstOf = (text: string, maxLength: number): string =>
  text.length <= maxLength ? text : `${withoutHalfPair(text.slice(0, Math.max(0, maxLength - 1)), "end")}…`;

/** Deeper than this a value is not taken apart any more: its preview is one of its JSON. */
const MAX_DEPTH = 4;
const SHORTEST = 100;

/**
 * A value of the same type, whose JSON takes about `maxLength` characters: long texts, lists and objects are the first and
 * the last of them, with a note in between that says how much is left out.
 */
export function previewValue(value: unknown, maxLength: number, depth = 0): unknown {
  const json = JSON.stringify(value) ?? "";
  if (json.length <= maxLength) return value;
  // Escapes make it longer than it is
  if (typeof value === "string") return previewText(value, Math.floor((maxLength * value.length) / json.length));
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return previewText(json, maxLength);
  if (Array.isArray(value)) {
    const { head, tail, left } = endsOf(value, maxLength);
    const shown = fitted([...head, ...tail], maxLength, depth);
    return left === 0 ? shown : shown.toSpliced(head.length, 0, note(left, "items"));
  }
  const { head, tail, left } = endsOf(Object.entries(value), maxLength);
  const names = [...head, ...tail].map(([name]) => previewText(name, SHORTEST));
  const fields = [...head, ...tail].map(([, field]) => field);
  const shown = fitted(fields, maxLength, depth).map((field, index) => [names[index] ?? "", field]);
  return Object.fromEntries(left === 0 ? shown : shown.toSpliced(head.length, 0, ["...", note(left, "fields")]));
}

/** As many of the first and last as can each be shown at all. */
function endsOf<T>(all: readonly T[], maxLength: number): { head: readonly T[]; tail: readonly T[]; left: number } {
  const most = Math.max(2, Math.floor(maxLength / SHORTEST));
  if (all.length <= most) return { head: all, tail: [], left: 0 };
  const last = Math.floor(most * 0.4);
  return { head: all.slice(0, most - last), tail: all.slice(all.length - last), left: all.length - most };
}

/** The values, of which the long ones share what the short ones leave of the room. */
function fitted(values: readonly unknown[], maxLength: number, depth: number): unknown[] {
  const lengths = values.map((value) => JSON.stringify(value)?.length ?? 0);
  const share = maxLength / values.length;
  const short = lengths.filter((length) => length <= share);
  const room = (maxLength - short.reduce((sum, length) => sum + length, 0)) / (values.length - short.length);
  const each = Math.max(SHORTEST, Math.floor(room));
  return values.map((value, index) => ((lengths[index] ?? 0) <= share ? value : previewValue(value, each, depth + 1)));
}

const note = (left: number, what: string): string => `[... ${left} ${what} left out ...]`;

function withoutHalfPair(text: string, side: "start" | "end"): string {
  if (side === "start") return /^[\uDC00-\uDFFF]/.test(text) ? text.slice(1) : text;
  return /[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text;
}

/** Whether a cut of a text before the UTF-16 unit at `index` would go through a surrogate pair. */
export function splitsPair(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
}
