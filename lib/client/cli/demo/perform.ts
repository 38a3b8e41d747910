import { type Io, write } from "../io.ts";
import { formatDuration, oneLine, paint, table } from "../print.ts";
import type { Scene, Shown } from "./scenes.ts";
import type { Stage } from "./stage.ts";

/** Plays the scenes one after the other; resolves with what was not as it should be. */
export async function perform(stage: Stage, scenes: readonly Scene[]): Promise<{ shown: Shown[]; wrong: string[] }> {
  const { stdout } = stage.io;
  const shown: Shown[] = [];
  for (const [index, scene] of scenes.entries()) {
    await write(stdout, `\n${paint(stdout, "bold", `${index + 1}  ${scene.title}`)}\n`);
    const result = await scene.act(stage);
    shown.push(result);
    await stage.say(
      `${sign(result)} ${result.played.outcome.status} in ${formatDuration(result.played.tookMs)}`,
      style(result),
    );
  }
  const wrong = shown.flatMap((result, index) => {
    const { error } = result.played.outcome;
    const reason = error ? ` (${error.code}: ${oneLine(error.message)})` : "";
    return result.wrong.map((what) => `${index + 1}: not so: ${what}${reason}`);
  });
  return { shown, wrong };
}

/** A table of what ran, how long, and where to look. */
export function summary(io: Io, shown: readonly Shown[]): string {
  const head = ["", "task", "ended", "took", "where to look"].map((name) => paint(io.stdout, "dim", name));
  const rows = shown.map((result, index) => [
    String(index + 1),
    result.played.id,
    paint(io.stdout, style(result), result.played.outcome.status),
    formatDuration(result.played.tookMs),
    oneLine(result.where ?? "the output above"),
  ]);
  return table([head, ...rows]);
}

const sign = ({ wrong }: Shown): string => (wrong.length === 0 ? "✔" : "✖");

function style({ wrong, played }: Shown): "green" | "yellow" | "red" {
  if (wrong.length > 0) return "red";
  return played.outcome.status === "succeeded" ? "green" : "yellow";
}
