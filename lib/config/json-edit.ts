import { type Edit, findNodeAtLocation, type Node, parseTree } from "jsonc-parser";

/** What to set at a path of names, and of places in lists; undefined takes the member away. One behind the last is added. */
export type Change = { path: readonly (string | number)[]; value: unknown };

/**
 * The text of a JSON object, which may hold comments, with some of its members changed. Nothing else of it changes: of the
 * comments only those go that stand within, directly above or behind a member that is taken away. The library's own edits
 * take away those of its neighbours too, and lay out anew what stands in the same line.
 */
export function editJson(text: string, changes: readonly Change[]): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  return changes.reduce((edited, change) => apply(edited, edits(edited, change, eol)), text);
}

function edits(text: string, { path, value }: Change, eol: string): Edit[] {
  const tree = parseTree(text);
  const node = tree && findNodeAtLocation(tree, [...path]);
  const member = node?.parent?.type === "property" ? node.parent : node;
  if (value === undefined) return member ? withoutMember(text, member) : [];
  if (node) {
    const content = stringify(value, indentAt(text, member?.offset ?? 0), eol);
    return [{ offset: node.offset, length: node.length, content }];
  }
  const depth = path.findIndex((_, i) => !(tree && findNodeAtLocation(tree, path.slice(0, i + 1))));
  const missing = path
    .slice(depth + 1)
    .reduceRight<unknown>((inner, name) => (typeof name === "number" ? [inner] : { [name]: inner }), value);
  const key = typeof path[depth] === "number" ? "" : `${JSON.stringify(path[depth])}: `;
  if (!tree) return [{ offset: 0, length: 0, content: `{${key}${JSON.stringify(missing)}}` }];
  const holder = findNodeAtLocation(tree, path.slice(0, depth));
  if (!holder?.children) throw new Error(`there is nothing at ${path.slice(0, depth).join(".")} that can have members`);
  const last = holder.children.at(-1);
  if (!last) return intoEmpty(text, holder, (indent) => `${key}${stringify(missing, indent, eol)}`, eol);
  const end = last.offset + last.length;
  if (!beginsLine(text, last.offset))
    return [{ offset: end, length: 0, content: `, ${key}${JSON.stringify(missing)}` }];
  const indent = indentAt(text, last.offset);
  const added = `${key}${stringify(missing, indent, eol)}`;
  const comma = commaBehind(text, end);
  // Some programs let one stand behind the last member: it then separates the two, and stands behind the new one too.
  if (comma !== undefined) {
    const after = comma + 1;
    return [{ offset: after + behind(text, after), length: 0, content: `${eol}${indent}${added},` }];
  }
  return [
    { offset: end, length: 0, content: "," },
    { offset: end + behind(text, end), length: 0, content: `${eol}${indent}${added}` },
  ];
}

/** The first member, in lines of its own; in front of a comment where there is one. */
function intoEmpty(text: string, { offset, length }: Node, added: (indent: string) => string, eol: string): Edit[] {
  const indent = indentAt(text, offset);
  const start = offset + 1;
  const inner = text.slice(start, offset + length - 1);
  if (inner.trim() !== "") return [{ offset: start, length: 0, content: ` ${added(indent)}` }];
  const content = `${eol}${indent}  ${added(`${indent}  `)}${eol}${indent}`;
  return [{ offset: start, length: inner.length, content }];
}

/** Takes away the lines of a member, its comma, and the comments directly above and behind it. */
function withoutMember(text: string, member: Node): Edit[] {
  const siblings = member.parent?.children ?? [];
  const at = siblings.indexOf(member);
  const before = siblings[at - 1];
  const end = member.offset + member.length;
  const comma = commaBehind(text, end);
  const after = comma === undefined ? end : comma + 1;
  const stop = after + behind(text, after);
  const isAlone = beginsLine(text, member.offset) && /^(?:\r?\n|$)/.test(text.slice(stop));
  const dangling = comma === undefined && before ? commaBehind(text, before.offset + before.length) : undefined;
  const itself = isAlone ? linesOf(text, member, stop) : wordsOf(text, member, after, comma !== undefined);
  return dangling === undefined ? [itself] : [{ offset: dangling, length: 1, content: "" }, itself];
}

function linesOf(text: string, member: Node, stop: number): Edit {
  const line = member.offset - lineBefore(text, member.offset).length;
  const start = line - commentsAbove(text, line);
  const newline = /^\r?\n/.exec(text.slice(stop))?.[0].length ?? 0;
  return { offset: start, length: stop + newline - start, content: "" };
}

/** With the space that parted it from the next, or from the one before. */
function wordsOf(text: string, { offset }: Node, after: number, hasComma: boolean): Edit {
  const blanks =
    (hasComma ? /^[ \t]*/.exec(text.slice(after)) : /[ \t]*$/.exec(lineBefore(text, offset)))?.[0].length ?? 0;
  return hasComma
    ? { offset, length: after + blanks - offset, content: "" }
    : { offset: offset - blanks, length: after + blanks - offset, content: "" };
}

const apply = (text: string, all: readonly Edit[]): string =>
  all.reduceRight(
    (edited, { offset, length, content }) => edited.slice(0, offset) + content + edited.slice(offset + length),
    text,
  );

const stringify = (value: unknown, indent: string, eol: string): string =>
  JSON.stringify(value, null, 2).replaceAll("\n", `${eol}${indent}`);

const lineBefore = (text: string, offset: number): string => text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
const beginsLine = (text: string, offset: number): boolean => lineBefore(text, offset).trim() === "";
const indentAt = (text: string, offset: number): string => /^[ \t]*/.exec(lineBefore(text, offset))?.[0] ?? "";

/** How many characters the lines have that are comments and end where that line begins. */
function commentsAbove(text: string, line: number): number {
  const above = text.slice(0, line).split("\n").slice(0, -1);
  const last = above.findLastIndex((each) => !/^\s*(?:\/\/[^\n]*|\/\*(?:(?!\*\/)[^\n])*\*\/\s*)$/.test(each));
  return above.slice(last + 1).reduce((sum, each) => sum + each.length + 1, 0);
}

/** How many characters of comment stand behind that place, in the same line. */
const behind = (text: string, offset: number): number =>
  /^(?:[ \t]*(?:\/\/[^\r\n]*|\/\*(?:(?!\*\/)[^\n])*\*\/))*[ \t]*(?=\r?\n|$)/.exec(text.slice(offset))?.[0].length ?? 0;

/** Where the comma behind that place is, past space and comments. */
function commaBehind(text: string, offset: number): number | undefined {
  const skipped = /^(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/.exec(text.slice(offset))?.[0].length ?? 0;
  return text[offset + skipped] === "," ? offset + skipped : undefined;
}
