import { isObject } from "../contract/json.ts";

/** How long a key stands for the call it was first sent with. */
export const KEY_LIFETIME_MS = 24 * 3600 * 1000;

/** JSON with the keys of every object in order, so that two calls that say the same read the same. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (isObject(item) ? inOrder(item) : item)) ?? "null";
}

/** The sha256, in hexadecimal, of a validated call before any default was applied to it. */
export async function callHash(call: unknown): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonicalJson(call)));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function inOrder(object: Record<string, unknown>): Record<string, unknown> {
  // Object.fromEntries defines own properties, so a key such as `__proto__` stays a key
  return Object.fromEntries(
    Object.keys(object)
      .sort()
      .map((key) => [key, object[key]]),
  );
}
