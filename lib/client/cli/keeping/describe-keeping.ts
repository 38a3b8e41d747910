import { type Command, InvalidArgumentError, Option } from "commander";
import { usageGroups } from "../../../contract/tools/usage.ts";
import type { Bind } from "../context.ts";

/** The commands about what is kept of tasks; each loads what it needs when it runs. */
export function addKeeping(program: Command, withPlace: (command: Command) => Command, { context, done }: Bind): void {
  const command = (parent: Command, name: string, text: string) =>
    withPlace(parent.command(name).description(text)).option("--json", "print JSON");

  command(
    program,
    "stats",
    "Tell what your tasks that have ended took and cost, and how they ended. What frameworks say that models cost is by list " +
      "prices; an estimate of the rest, of tasks in the cloud, is marked as such.",
  )
    .summary("Tell what your tasks took and cost.")
    .option("--since <time>", "of those dispatched since a date, a time, or so long ago: 24h, 30d", "30d")
    .addOption(new Option("--by <what>", "one line for each of these").choices(usageGroups).default("agent"))
    .action(async (options) => done(await (await import("./stats.ts")).stats(context, options)));

  command(
    program,
    "gc",
    "Remove tasks that have ended, with their results, for good; by default only those that have outlived retentionDays. Those of the " +
      "last day stay in any case, and a tree of tasks or a conversation goes as a whole. What they took stays in stats, and the " +
      "files that they left stay where they are.",
  )
    .summary("Remove tasks that have ended long ago.")
    .option("--older-than <time>", "those that ended longer ago: 12h, 7d, 8w", parseDays)
    .option("--all", "whatever their age")
    .option("--dry-run", "say which, and remove none")
    .action(async (options) => done(await (await import("./gc.ts")).gc(context, options)));

  const cache = program
    .command("cache")
    .summary("The answers that the same requests may have again: stats, clear.")
    .description(
      "The answers of agents that are kept for the same requests again, as cache.ttlSeconds of the configuration says.",
    );
  command(cache, "stats", "Show how many there are, for how long they are good, and how often one was of use.").action(
    async (options) => done(await (await import("./cache.ts")).cacheStats(context, options)),
  );
  command(cache, "clear", "Forget them, so that the same requests run anew. The tasks that gave them stay.").action(
    async (options) => done(await (await import("./cache.ts")).clearCache(context, options)),
  );
}

const unitDays: Readonly<Record<string, number>> = { h: 1 / 24, d: 1, w: 7 };

/** A long time span, in days. */
function parseDays(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,4})([hdw])$/.exec(text) ?? [];
  const days = Number(count) * (unitDays[unit] ?? 0);
  if (days <= 0) throw new InvalidArgumentError("Write it as 12h, 7d or 8w.");
  return days;
}
