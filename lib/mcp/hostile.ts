import { InvalidInputError, type Issue } from "../contract/errors.ts";

const MAX_DEPTH = 100;
/** Characters of JSON in all the arguments of one call. */
const MAX_ARGUMENTS = 1_000_000;

/**
 * Refuses arguments that no schema should have to meet: nested too deeply, too large, or with a key that would become a
 * prototype. Throws InvalidInputError that names the place.
 */
export function refuseHostile(value: unknown): void {
  const issues: Issue[] = [];
  const pending: { value: unknown; path: string; depth: number }[] = [{ value, path: "", depth: 0 }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (typeof next.value !== "object" || next.value === null) continue;
    if (next.depth > MAX_DEPTH) {
      const { path } = next;
      throw new InvalidInputError([{ path: path.slice(0, 100), message: `is nested deeper than ${MAX_DEPTH} levels` }]);
    }
    for (const [key, child] of Object.entries(next.value)) {
      const path = next.path ? `${next.path}.${key.slice(0, 100)}` : key.slice(0, 100);
      if (key === "__proto__" && issues.length < 20)
        issues.push({ path, message: "is not a name that a field may have" });
      if (typeof child === "object") pending.push({ value: child, path, depth: next.depth + 1 });
    }
  }
  if (issues.length > 0) throw new InvalidInputError(issues);
  const length = JSON.stringify(value)?.length ?? 0;
  if (length > MAX_ARGUMENTS) {
    throw new InvalidInputError([
      { path: "", message: `the arguments are ${length} characters of JSON; at most ${MAX_ARGUMENTS} are taken` },
    ]);
  }
}

/** Whether a value is nested deeper than anything that a request needs. */
export function isNestedTooDeeply(value: unknown): boolean {
  const pending = [{ value, depth: 0 }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (typeof next.value !== "object" || next.value === null) continue;
    if (next.depth > MAX_DEPTH) return true;
    for (const child of Object.values(next.value)) pending.push({ value: child, depth: next.depth + 1 });
  }
  return false;
}
