/** Where a text stops being JSON: line and column count from 1. It never quotes the text, which may hold a secret. */
export type SyntaxIssue = { line: number; column: number; message: string };

type Expected = "a value" | "a value or ]" | "a name in double quotes" | "a name in double quotes or }" | "a colon";

/** Comments stand wherever space may. */
const space = /(?:[ \t\n\r]|\/\/[^\n\r]*|\/\*[\s\S]*?\*\/)*/y;
const string = String.raw`"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`;
const number = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const token = new RegExp(`${string}|${number}|true|false|null|[{}[\\]:,]`, "y");

const commentOrString = /"(?:[^"\\]|\\.)*"|\/\/[^\n\r]*|\/\*[\s\S]*?\*\//g;

/** The value of a text in which `findSyntaxIssue` finds nothing. */
export const parseCommentedJson = (text: string): unknown =>
  JSON.parse(text.replaceAll(commentOrString, (found) => (found.startsWith('"') ? found : " ")));

/**
 * The first syntax issue of a text, or undefined when it is JSON, in which there may be comments. `JSON.parse` knows of
 * none, tells a position for some issues only, and quotes the text for the others.
 */
export function findSyntaxIssue(text: string): SyntaxIssue | undefined {
  const closers: ("}" | "]")[] = [];
  let expected: Expected | undefined = "a value";
  let at = skipSpace(text, 0);
  for (; at < text.length; at = skipSpace(text, at)) {
    token.lastIndex = at;
    const found = token.exec(text)?.[0];
    const closer = closers.at(-1);
    if (found === undefined) break;
    if (found === closer && (expected === undefined || expected.endsWith(found))) {
      closers.pop();
      expected = undefined;
    } else if (expected === undefined) {
      if (found !== "," || !closer) break;
      expected = closer === "}" ? "a name in double quotes" : "a value";
    } else if (expected === "a colon") {
      if (found !== ":") break;
      expected = "a value";
    } else if (expected.startsWith("a name")) {
      if (!found.startsWith('"')) break;
      expected = "a colon";
    } else if (found === "{") {
      closers.push("}");
      expected = "a name in double quotes or }";
    } else if (found === "[") {
      closers.push("]");
      expected = "a value or ]";
    } else {
      if ("}],:".includes(found)) break;
      expected = undefined;
    }
    at += found.length;
  }
  if (at === text.length && expected === undefined && closers.length === 0) return undefined;
  const after = closers.length > 0 ? `a comma or ${closers.at(-1)}` : "the end of the file";
  const lines = text.slice(0, at).split("\n");
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1, message: `expected ${expected ?? after}` };
}

function skipSpace(text: string, at: number): number {
  space.lastIndex = at;
  return at + (space.exec(text)?.[0].length ?? 0);
}
