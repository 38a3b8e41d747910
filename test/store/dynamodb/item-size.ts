/** An item as the document client gives it. */
export type Item = Record<string, unknown>;

/**
 * The size of an item in bytes: names and values, text as UTF-8; 0 for none.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function itemSize(item: Item | undefined): number {
  return Object.entries(item ?? {}).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueSize(value), 0);
}

function valueSize(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  // A byte for two digits, and one more.
  if (typeof value === "number") return Math.ceil(String(value).replace(/[-.]/g, "").length / 2) + 1;
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value === "boolean") return 1;
  // A list and a map have three bytes of their own, and one for each entry.
  if (Array.isArray(value)) return value.reduce((sum, each) => sum + valueSize(each) + 1, 3);
  if (value instanceof Set) return [...value].reduce((sum, text) => sum + valueSize(text), 0);
  throw new Error("the store keeps no other types");
}
