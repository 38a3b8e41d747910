import { InvalidInputError, type Issue } from "../../contract/errors.ts";
import { environmentNamePattern } from "../../contract/worker.ts";

const MAX_VARIABLES = 50;
const MAX_ENVIRONMENT_BYTES = 32 * 1024;

/** Throws InvalidInputError for names and values that no process can have, or that are ours, by the path of their field. */
export function checkEnvironment(env: Record<string, string>, field: string): void {
  const issues: Issue[] = [];
  const path = (name: string) => `${field}.${name.slice(0, 100)}`;
  const names = Object.keys(env);
  if (names.length > MAX_VARIABLES) {
    issues.push({
      path: field,
      message: `holds ${names.length} names; at most ${MAX_VARIABLES} fit`,
    });
  }
  for (const name of names.slice(0, MAX_VARIABLES)) {
    if (!environmentNamePattern.test(name)) {
      issues.push({ path: path(name), message: "a name is letters, digits and underscores" });
    } else if (/^AGENTDISPATCH_/i.test(name)) {
      issues.push({ path: path(name), message: "names that begin with AGENTDISPATCH_ are ours" });
    }
    if (env[name]?.includes("\0")) issues.push({ path: path(name), message: "a value holds no NUL character" });
  }
  const size = new TextEncoder().encode(JSON.stringify(env)).byteLength;
  if (size > MAX_ENVIRONMENT_BYTES) {
    issues.push({
      path: field,
      message: `is ${size} bytes long; at most ${MAX_ENVIRONMENT_BYTES} fit`,
    });
  }
  if (issues.length > 0) throw new InvalidInputError(issues);
}
