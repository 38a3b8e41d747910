import { homedir } from "node:os";
import { parseForeignJson } from "../../../config/foreign-json.ts";
import { type Change, editJson } from "../../../config/json-edit.ts";
import { ConfigurationError, readText } from "../../../config/locate.ts";
import { isObject, type JsonObject } from "../../../contract/json.ts";
import type { Machine, Registration, Step } from "./assistant.ts";
import { shownMember } from "./shown.ts";

export const homeOf = ({ env }: Machine): string => env.HOME || homedir();

/** The text of a file of settings; empty where there is none. */
export const textOf = (file: string): string => readText(file, false) ?? "";

/**
 * Changes members of a JSON file of settings; all else of it stays as it is. Throws ConfigurationError where they have no
 * place.
 */
export function jsonStep(file: string, changes: (settings: JsonObject) => readonly Change[]): Step[] {
  const before = textOf(file);
  const settings = parseForeignJson(file, before);
  const needed = changes(settings).filter(({ path, value }) => !isSame(at(settings, path), value));
  if (needed.length === 0) return [];
  for (const { path } of needed) checkHolders(file, settings, path);
  const after = editJson(before.trim() === "" ? "{}\n" : before, needed);
  const gone = needed.flatMap(({ path }) => shownMember(path, at(settings, path)));
  const come = needed.flatMap(({ path, value }) => shownMember(path, value));
  return [{ kind: "file", file, after, gone, come }];
}

/** What a person has put in the place of a list or an object is not ours to replace. */
function checkHolders(file: string, settings: JsonObject, path: Change["path"]): void {
  path.forEach((name, i) => {
    const holder = at(settings, path.slice(0, i));
    const isList = typeof name === "number";
    if (holder === undefined || (isList ? Array.isArray(holder) : isObject(holder))) return;
    const message = isList ? "must be a list" : "must be an object";
    throw new ConfigurationError(file, [{ path: path.slice(0, i).join("."), message }]);
  });
}

/** What stands at that path of a JSON file of settings. */
export const readAt = (file: string, path: readonly string[]): unknown =>
  at(parseForeignJson(file, textOf(file)), path);

export const at = (value: unknown, path: Change["path"]): unknown =>
  path.reduce<unknown>((inner, name) => {
    if (Array.isArray(inner)) return typeof name === "number" ? inner[name] : undefined;
    return isObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined;
  }, value);

/** What registers a server by its address, and goes where a program is registered in its place. */
export const addressMembers = ["url", "httpUrl", "headers", "oauth"] as const;

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** A server as assistants write it; undefined for what is none. */
export function asRegistration(file: string, entry: unknown): Registration | undefined {
  if (!isObject(entry)) return undefined;
  const { command, args = [], url = entry.httpUrl } = entry;
  // opencode has both in one list.
  const [first, ...rest] = Array.isArray(command) ? command : [command, ...(Array.isArray(args) ? args : [])];
  if (typeof first === "string") return { file, command: first, args: rest.map(String) };
  return typeof url === "string" ? { file, url } : undefined;
}
