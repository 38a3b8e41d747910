import { InvalidArgumentError } from "commander";

/** Where a local system can keep its tasks. */
export const storeKinds = ["sqlite", "dynamodb"] as const;

const unitSeconds: Record<string, number> = { h: 3600, m: 60, s: 1 };

/**
 * A time span in seconds.
 * @example parseSeconds("90s") // 90
 * @example parseSeconds("1h30m") // 5400
 * @example parseSeconds("45") // 45
 */
export function parseSeconds(text: string): number {
  const parts = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/.exec(/^\d{1,6}$/.test(text) ? `${text}s` : text);
  const seconds = parts
    ? Object.values(unitSeconds).reduce((sum, unit, i) => sum + Number(parts[i + 1] ?? 0) * unit, 0)
    : 0;
  if (seconds === 0) throw new InvalidArgumentError("Write it as 90s, 5m, 2h or 1h30m.");
  return seconds;
}

/** A port; 0 takes a free one. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new InvalidArgumentError("It is a number from 0 to 65535.");
  return port;
}

/** The address of a service: http or https. */
export function parseAddress(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new InvalidArgumentError("Write it as http://host:port.");
  return text;
}

/** A count from 1 to `max`. */
export function parseCount(max: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,10}$/.test(text) ? Number(text) : 0;
    if (count < 1 || count > max) throw new InvalidArgumentError(`It is a number from 1 to ${max}.`);
    return count;
  };
}

/** Where in a text: 0 is its beginning. */
export function parseOffset(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError("It is a number, from 0 on.");
  return Number(text);
}

/** Collects `NAME=value`; the value may hold further `=` and may be empty. A name given again is replaced. */
export function collectPairs(text: string, earlier: Record<string, string> | undefined): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Write it as NAME=value.");
  // Made of entries, because a name such as __proto__ is a name like any other.
  return Object.fromEntries([...Object.entries(earlier ?? {}), [text.slice(0, at), text.slice(at + 1)]]);
}

/** A positive amount of money. */
export function parseAmount(text: string): number {
  const amount = /^\d{1,9}(?:\.\d{1,6})?$/.test(text) ? Number(text) : 0;
  if (amount <= 0) throw new InvalidArgumentError("Write it as 0.50 or 2.");
  return amount;
}

/**
 * Names between commas, but for those within parentheses; `none` is no name at all.
 * @example splitNames("Read,Bash(git log, git diff)") // ["Read", "Bash(git log, git diff)"]
 */
export function splitNames(text: string): string[] {
  if (text.trim() === "none") return [];
  const names = text.match(/(?:[^,(]|\([^)]*\)?)+/g)?.map((name) => name.trim()) ?? [];
  if (names.length === 0 || names.includes("")) throw new InvalidArgumentError("Write it as one,two or none.");
  return names;
}
