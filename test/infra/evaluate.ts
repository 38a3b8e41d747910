import type { Asked } from "../emulators/requests/authorized.ts";
import type { Statement } from "./synthesis.ts";

/** An explicit deny wins; what no statement speaks of is denied as well. */
export type Decision = "allowed" | "denied" | "denied explicitly";

/**
 * What IAM decides by the policies of an identity.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 *
 * It is our own because the one evaluator that is kept up, `@cloud-copilot/iam-simulate`, is under the AGPL. Left out: policies of
 * resources, organizations and sessions, permissions boundaries, `NotAction`, `NotResource` and variables. Of the operators
 * it knows those that the stack uses; any other, and a variable, throws an Error.
 */
export function decide(statements: readonly Statement[], asked: Asked): Decision {
  const speaking = statements.filter((statement) => speaksOf(statement, asked));
  if (speaking.some(({ Effect }) => Effect === "Deny")) return "denied explicitly";
  return speaking.some(({ Effect }) => Effect === "Allow") ? "allowed" : "denied";
}

function speaksOf({ actions, resources, condition }: Statement, { action, resource, context }: Asked): boolean {
  return (
    actions.some((pattern) => isLike(pattern.toLowerCase(), action.toLowerCase())) &&
    resources.some((pattern) => isLike(pattern, resource)) &&
    holds(JSON.parse(condition), context)
  );
}

type Condition = Record<string, Record<string, string | string[]>>;

/** Each operator, for a value that is there; all of these fail where it is not. */
const operators: Readonly<Record<string, (wanted: string, value: string) => boolean>> = {
  StringEquals: (wanted, value) => wanted === value,
  StringLike: isLike,
};

function holds(condition: Condition, context: Asked["context"]): boolean {
  return Object.entries(condition).every(([operator, keys]) => {
    const compare = operators[operator];
    if (!compare) throw new Error(`evaluate.ts does not know the operator ${operator}`);
    return Object.entries(keys).every(([key, wanted]) => {
      const value = context[key];
      return value !== undefined && [wanted].flat().some((each) => compare(each, value));
    });
  });
}

/** `*` stands for any text, `?` for any character. */
function isLike(pattern: string, text: string): boolean {
  if (pattern.includes("${")) throw new Error(`evaluate.ts knows no variables: ${pattern}`);
  const source = pattern
    .replaceAll(/[.+^$()[\]{}|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(text);
}
