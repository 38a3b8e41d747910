import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Text of at most this many bytes is not worth compressing: a write is charged by the kilobyte. */
const SHORT_BYTES = 700;

/** JSON of a task, about half as long: a task that is written many times is charged for its size each time. */
export const packTask = (json: string): Uint8Array => deflateRawSync(json);

export const unpackTask = (packed: Uint8Array): string => inflateRawSync(packed).toString();

/** Text as attributes of an item: as it is, compressed when long, or as UTF-16 when it holds half a surrogate pair. */
export function packText(text: string): { text: string } | { deflated: Uint8Array } | { utf16: Uint8Array } {
  // DynamoDB keeps strings as UTF-8, which cannot hold half a pair.
  if (!text.isWellFormed()) return { utf16: Buffer.from(text, "utf16le") };
  return text.length <= SHORT_BYTES / 3 || Buffer.byteLength(text) <= SHORT_BYTES
    ? { text }
    : { deflated: deflateRawSync(text) };
}

export function unpackText({ text, deflated, utf16 }: Record<string, unknown>): string {
  if (deflated instanceof Uint8Array) return inflateRawSync(deflated).toString();
  if (utf16 instanceof Uint8Array) return Buffer.from(utf16).toString("utf16le");
  return String(text);
}
