import type { ToolResult } from "../../../contract/tools/index.ts";
import { asking } from "../ask.ts";
import type { Context } from "../context.ts";
import { write } from "../io.ts";
import { oneLine, printJson } from "../print.ts";
import type { Place } from "../systems/place.ts";

type Options = Place & { json?: boolean; olderThan?: number; all?: boolean; dryRun?: boolean };

/** `agent-dispatch gc [--older-than] [--all] [--dry-run]` */
export async function gc(context: Context, { olderThan, all, dryRun, ...options }: Options): Promise<number> {
  const { io } = context;
  const asked = {
    ...(olderThan !== undefined && { max_age_days: olderThan }),
    ...(all && { all }),
    ...(dryRun && { dry_run: true }),
  };
  const whole = await asking(context, options, async (client) => {
    let sum: ToolResult<"dispatch_gc"> | undefined;
    for (let cursor: string | undefined; sum === undefined || cursor !== undefined; cursor = sum.cursor) {
      const reply = await client.call("dispatch_gc", { ...asked, ...(cursor !== undefined && { cursor }) });
      sum = sum ? added(sum, reply) : reply;
    }
    return sum;
  });
  if (options.json) await printJson(io, whole);
  else {
    for (const id of whole.job_ids) await write(io.stdout, `task_${oneLine(id)}\n`);
    const { open, recent, together } = whole.kept;
    const count = dryRun ? `${whole.would_purge} would be removed` : `${whole.purged} removed`;
    const stays = [
      ...(recent > 0 ? [`${recent} too young`] : []),
      ...(together > 0 ? [`${together} with younger ones of their tree or conversation`] : []),
      ...(open > 0 ? [`${open} under way`] : []),
    ];
    await write(io.stderr, `› ${[count, ...(stays.length > 0 ? [`kept: ${stays.join(", ")}`] : [])].join("; ")}\n`);
  }
  return 0;
}

const added = (sum: ToolResult<"dispatch_gc">, { kept, ...reply }: ToolResult<"dispatch_gc">) => ({
  ...reply,
  purged: sum.purged + reply.purged,
  would_purge: sum.would_purge + reply.would_purge,
  job_ids: [...sum.job_ids, ...reply.job_ids],
  kept: {
    open: sum.kept.open + kept.open,
    recent: sum.kept.recent + kept.recent,
    together: sum.kept.together + kept.together,
  },
});
