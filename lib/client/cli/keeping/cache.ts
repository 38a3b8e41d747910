import { ask } from "../ask.ts";
import type { Context } from "../context.ts";
import { write } from "../io.ts";
import { formatDuration, paint, printJson, table } from "../print.ts";
import type { Place } from "../systems/place.ts";

type Options = Place & { json?: boolean };

/** `agent-dispatch cache stats` */
export async function cacheStats({ io, ...context }: Context, options: Options): Promise<number> {
  const told = await ask({ io, ...context }, options, "cache_stats", {});
  if (options.json) await printJson(io, told);
  else {
    const { enabled, size, max_size, hits, misses, hit_rate, ttl } = told;
    const looked = hits + misses;
    const rows = [
      ["used", enabled ? "by every run of an agent" : "where a run asks for it, by --cache"],
      ["answers", `${size} of ${max_size} at most, each good for ${formatDuration(ttl * 1000)}`],
      ["looked for", looked === 0 ? "never" : `${looked} times, ${hits} of use (${Math.round(hit_rate * 100)} %)`],
    ];
    await write(io.stdout, table(rows.map(([name = "", text = ""]) => [paint(io.stdout, "dim", name), text])));
  }
  return 0;
}

/** `agent-dispatch cache clear` */
export async function clearCache({ io, ...context }: Context, options: Options): Promise<number> {
  const told = await ask({ io, ...context }, options, "cache_clear", {});
  if (options.json) await printJson(io, told);
  else
    await write(io.stdout, `${told.cleared} ${told.cleared === 1 ? "answer" : "answers"} cleared; their tasks stay\n`);
  return 0;
}
