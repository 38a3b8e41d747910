export type LogLine = Readonly<Record<string, unknown>>;
type Row = Record<string, unknown>;
type Expression = (row: Row) => unknown;

/**
 * Runs a query of CloudWatch Logs Insights on lines, each with `@timestamp`. What it does not know it refuses, and so it does a
 * field that no line has.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
 *
 * Left out: `parse`, `dedup`, `display`, `unmask`, `pattern`, `diff`, arithmetic, nested fields, most functions, and that a field
 * is a number where its text is one.
 */
export function runQuery(query: string, lines: readonly LogLine[]): Row[] {
  const known = new Set(["@timestamp", "@message", ...lines.flatMap((line) => Object.keys(line))]);
  let rows: Row[] = lines.map((line) => ({ ...line }));
  for (const command of query.split(/\n?\s*\|\s*/)) {
    const [, verb = "", rest = ""] = /^(\w+)\s+(.*)$/s.exec(command.trim()) ?? [];
    const expression = (text: string) => expressionOf(text.trim(), known);
    if (verb === "fields") {
      for (const { name, value } of named(rest, expression)) {
        known.add(name);
        rows = rows.map((row) => ({ ...row, [name]: value(row) }));
      }
    } else if (verb === "filter") {
      const parts = rest.split(/\s+and\s+/).map(expression);
      rows = rows.filter((row) => parts.every((part) => part(row) === true));
    } else if (verb === "sort") {
      const [, field = "", order] = /^(\S+)(?: (asc|desc))?$/.exec(rest) ?? [];
      const value = expression(field);
      rows = rows.toSorted((one, other) => compare(value(one), value(other)) * (order === "desc" ? -1 : 1));
    } else if (verb === "limit") rows = rows.slice(0, Number(rest));
    else if (verb === "stats") {
      rows = stats(rest, rows, expression);
      const [made, by] = rest.split(/\s+by\s+/);
      known.clear();
      for (const part of split(`${made}${by === undefined ? "" : `, ${by}`}`)) known.add(nameOf(part));
    } else throw new Error(`unknown command: ${command}`);
  }
  return rows;
}

/** The parts of a list, at the commas outside of parentheses and brackets. */
const split = (list: string): string[] => list.split(/,\s*(?![^([]*[)\]])/).map((part) => part.trim());
const nameOf = (part: string): string => /\s+as\s+(\S+)$/.exec(part)?.[1] ?? part;

function named(list: string, expression: (text: string) => Expression): { name: string; value: Expression }[] {
  return split(list).map((part) => ({ name: nameOf(part), value: expression(part.replace(/\s+as\s+\S+$/, "")) }));
}

function compare(one: unknown, other: unknown): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one ?? "").localeCompare(String(other ?? ""));
}

function expressionOf(text: string, known: ReadonlySet<string>): Expression {
  const [, name, list = ""] = /^(\w+)\((.*)\)$/.exec(text) ?? [];
  if (name === "coalesce") {
    const parts = split(list).map((part) => expressionOf(part, known));
    return (row) => parts.map((part) => part(row)).find((value) => value !== undefined);
  }
  if (name === "ispresent") {
    const value = expressionOf(list, known);
    return (row) => value(row) !== undefined;
  }
  if (name === "bin") {
    const [, count = "", unit = ""] = /^(\d+)([mh])$/.exec(list) ?? [];
    const ms = Number(count) * (unit === "h" ? 3_600_000 : 60_000);
    return (row) => new Date(Math.floor(Date.parse(String(row["@timestamp"])) / ms) * ms).toISOString();
  }
  const [, field, wanted] = /^(\S+) in \[(.*)\]$/.exec(text) ?? [];
  if (field !== undefined && wanted !== undefined) {
    const value = expressionOf(field, known);
    const texts = split(wanted).map(literal);
    return (row) => texts.includes(value(row) as string);
  }
  const [, left, right] = /^(\S+) = (".*")$/.exec(text) ?? [];
  if (left !== undefined && right !== undefined) {
    const value = expressionOf(left, known);
    return (row) => value(row) === literal(right);
  }
  if (!/^@?\w+$/.test(text)) throw new Error(`unknown expression: ${text}`);
  if (!known.has(text)) throw new Error(`no line has the field ${text}`);
  return (row) => row[text];
}

const literal = (text: string): unknown => JSON.parse(text);

function stats(text: string, rows: Row[], expression: (text: string) => Expression): Row[] {
  const [list = "", by] = text.split(/\s+by\s+/);
  const keys = by === undefined ? [] : named(by, expression);
  const groups = Map.groupBy(rows, (row) => JSON.stringify(keys.map(({ value }) => value(row) ?? null)));
  const made = split(list).map((part) => ({ name: nameOf(part), make: aggregate(part, expression) }));
  return [...groups.values()].map((group) => ({
    ...Object.fromEntries(keys.map(({ name, value }) => [name, group[0] && value(group[0])])),
    ...Object.fromEntries(made.map(({ name, make }) => [name, make(group)])),
  }));
}

function aggregate(text: string, expression: (text: string) => Expression): (rows: Row[]) => unknown {
  const [, name = "", list = ""] = /^(\w+)\(([^)]*)\)/.exec(text) ?? [];
  if (name === "count" && list === "*") return (rows) => rows.length;
  const [field = "", percent = ""] = split(list);
  const value = expression(field);
  const present = (rows: Row[]) => rows.map(value).filter((each) => each !== undefined);
  if (name === "max") return (rows) => present(rows).toSorted(compare).at(-1);
  if (name === "pct")
    return (rows) => {
      const sorted = present(rows).toSorted(compare);
      return sorted[Math.ceil((Number(percent) / 100) * sorted.length) - 1];
    };
  if (name === "latest")
    return (rows) => present(rows.toSorted((one, other) => compare(one["@timestamp"], other["@timestamp"]))).at(-1);
  throw new Error(`unknown function: ${text}`);
}
