import type { Json } from "./task.ts";

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

/** Any value as text that fits: a string as it is, everything else as its JSON. */
export function previewValue(value: unknown, maxLength: number): string {
  return previewText(typeof value === "string" ? value : (JSON.stringify(value) ?? ""), maxLength);
}

/** An object with each long field replaced by a preview of it. */
export function previewFields(value: Json, maxFieldLength: number): Json {
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const length = typeof field === "string" ? field.length : (JSON.stringify(field)?.length ?? 0);
      return [name, length > maxFieldLength ? previewValue(field, maxFieldLength) : field];
    }),
  );
}

/** An object as `previewFields` shows it, with no more fields than fit into eight of the longest. */
export function previewObject(value: Json, maxFieldLength: number): Json {
  let room = 8 * maxFieldLength;
  const fields = Object.entries(previewFields(value, maxFieldLength));
  const shown = fields.filter(([name, field]) => {
    room -= name.length + (JSON.stringify(field)?.length ?? 0);
    return room >= 0;
  });
  const left = fields.length - shown.length;
  return { ...Object.fromEntries(shown), ...(left > 0 && { "...": `${left} fields left out` }) };
}

function withoutHalfPair(text: string, side: "start" | "end"): string {
  if (side === "start") return /^[\uDC00-\uDFFF]/.test(text) ? text.slice(1) : text;
  return /[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text;
}
