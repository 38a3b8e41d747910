import { homedir } from "node:os";
import { parseForeignJson } from "../../../config/foreign-json.ts";
import { type Change, editJson } from "../../../config/json-edit.ts";
import { readText } from "../../../config/locate.ts";
import { isObject, type JsonObject } from "../../../contract/json.ts";
import type { Machine, Registration, Step } from "./assistant.ts";

export const homeOf = ({ env }: Machine): string => env.HOME || homedir();

/** The text of a file of settings; empty where there is none. */
export const textOf = (file: string): string => readText(file, false) ?? "";

/** A file of settings that becomes another, unless it is that already. */
export const fileStep = (file: string, before: string, after: string): Step[] =>
  before === after ? [] : [{ kind: "file", file, before, after }];

/** Changes members of a JSON file of settings, and keeps its comments. */
export function jsonStep(file: string, changes: (settings: JsonObject) => readonly Change[]): Step[] {
  const before = textOf(file);
  const settings = parseForeignJson(file, before);
  const needed = changes(settings).filter(({ path, value }) => !isSame(at(settings, path), value));
  if (needed.length === 0) return [];
  const after = editJson(before.trim() === "" ? "{}\n" : before, needed);
  return fileStep(file, before, after);
}

/** What stands at that path of a JSON file of settings. */
export const readAt = (file: string, path: readonly string[]): unknown =>
  at(parseForeignJson(file, textOf(file)), path);

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, name) => (isObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined),
    value,
  );

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
