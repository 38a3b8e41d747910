import { demandOf, type Load } from "./demand.ts";
import { quotas } from "./quotas.ts";

export const loads: readonly Load[] = [10, 1000, 100_000].map((tasksPerDay) => ({
  tasksPerDay,
  minutes: 10,
  hours: 8,
}));

const rounded = (value: number): string => {
  if (value >= 10) return Math.round(value).toLocaleString("en-US");
  return value < 0.01 ? "< 0.01" : String(Number(value.toPrecision(2)));
};
const percent = (part: number): string => {
  const text = part < 0.001 ? "< 0.1 %" : `${Number((part * 100).toPrecision(2)).toLocaleString("en-US")} %`;
  return part >= 1 ? `**${text}**` : text;
};
const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const head = ["", ...loads.map(({ tasksPerDay }) => `${tasksPerDay.toLocaleString("en-US")} a day`)];
const line = head.map(() => "---");

/** What the loads ask for, as a table of Markdown. */
export function demandTable(): string {
  const demands = loads.map(demandOf);
  const of = (name: string, value: (demand: (typeof demands)[number]) => number) =>
    row([name, ...demands.map((demand) => rounded(value(demand)))]);
  return [
    row(head),
    row(line),
    of("tasks a second", ({ perSecond }) => perSecond),
    of("sessions at once", ({ running }) => running),
    of("functions at once: Watch", ({ watching }) => watching),
    of("functions at once: the other steps", ({ stepping }) => stepping),
    of("functions at once: calls that do not wait", ({ calling }) => calling),
    of("functions at once, were every caller to wait all the time", ({ waiting }) => waiting),
    of("write units of the table a second", ({ writeUnits }) => writeUnits),
  ].join("\n");
}

/** Which part of each quota they use, as a table of Markdown; in bold what is beyond it. */
export function quotaTable(): string {
  return [
    row(["Quota", "Code", "Default", ...head.slice(1), "Raised on request"]),
    row(["---", "---", "---", ...line.slice(1), "---"]),
    ...quotas.map(({ name, code = "", most, raised, of }) =>
      row([
        name,
        code && `\`${code}\``,
        most.toLocaleString("en-US"),
        ...loads.map((load) => percent(of(load) / most)),
        raised ? "yes" : "no",
      ]),
    ),
  ].join("\n");
}
