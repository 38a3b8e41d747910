import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CAPABILITY } from "../../../contract/kinds.ts";
import { oneLine } from "../print.ts";
import type { Call } from "../run-call.ts";
import { outputText } from "../task-text.ts";
import type { Played, Stage } from "./stage.ts";

/** What came of a scene, and what was not as it should be. */
export type Shown = { played: Played; where?: string; wrong: string[] };

export type Scene = { title: string; act(stage: Stage): Promise<Shown> };

type Props = {
  /** A folder for what the tasks leave behind. */
  folder: string;
  /** Name of the runtime profile with the report framework. */
  runtime: string;
  /** Reads an artifact, by its URI. */
  readArtifact(uri: string): Promise<string>;
};

const LINE_MS = 250;
const command = (words: string[], more: { idempotency_key?: string } = {}): Call => ({
  tool: "dispatch_task",
  args: {
    provider: "local",
    account_profile: "local",
    capability: CAPABILITY,
    task_type: "command.run",
    target: { mode: "session" },
    input: { command: "node", args: words },
    ...more,
  },
});

/** Names every expectation that does not hold. */
function check(expected: Record<string, boolean>): string[] {
  return Object.keys(expected).filter((name) => !expected[name]);
}

/** Everything that the demonstration shows, in order. */
export function scenes({ folder, runtime, readArtifact }: Props): Scene[] {
  return [
    { title: "A command, its output live", act: liveCommand },
    { title: "An agent that reads this repository and writes a report", act: agent },
    { title: "A command that fails, with its reason", act: failing },
    { title: "A command that is cancelled", act: cancelled },
    { title: "One dispatch sent twice with one key", act: onlyOnce },
  ];

  async function liveCommand(stage: Stage): Promise<Shown> {
    const script = `let n = 0; const timer = setInterval(() => { console.log("step", ++n, "of 4"); if (n === 4) clearInterval(timer); }, ${LINE_MS})`;
    const played = await stage.play(command(["-e", script]));
    const first = played.lines[0]?.atMs ?? Number.POSITIVE_INFINITY;
    return {
      played,
      wrong: check({
        "it succeeded": played.outcome.status === "succeeded",
        "all its lines arrived": played.lines.length === 4,
        "its first line was seen while it ran": first < played.tookMs - 2 * LINE_MS,
      }),
    };
  }

  async function agent(stage: Stage): Promise<Shown> {
    const instruction = "Report what this repository consists of.";
    const played = await stage.play({ tool: "spawn_cloud_agent", args: { instruction, runtime } });
    const artifact = played.outcome.artifacts.find(({ uri }) => uri.endsWith("report.md"));
    const report = artifact ? await readArtifact(artifact.uri) : "";
    await stage.say(oneLine(outputText(played.outcome.result) ?? "", 100), "reset");
    return {
      played,
      ...(artifact && { where: artifact.uri }),
      wrong: check({
        "it succeeded": played.outcome.status === "succeeded",
        "it said how far it was": played.progress.length > 0,
        "its report is an artifact": report.startsWith("# Report"),
      }),
    };
  }

  async function failing(stage: Stage): Promise<Shown> {
    const script = `console.error("cannot open inventory.csv: no such file"); process.exitCode = 3`;
    const played = await stage.play(command(["-e", script]));
    const { status, error } = played.outcome;
    await stage.say(oneLine(error?.message ?? "", 100), "reset");
    return {
      played,
      wrong: check({
        "it failed": status === "failed",
        "the job itself is named as the cause": error?.code === "task.exit_code",
        "the reason is told": (error?.message ?? "").includes("inventory.csv"),
      }),
    };
  }

  async function cancelled(stage: Stage): Promise<Shown> {
    let asked = false;
    const script = `console.log("working for an hour"); setTimeout(() => {}, 3_600_000)`;
    const played = await stage.play(command(["-e", script]), async (id) => {
      if (asked) return;
      asked = true;
      await stage.client.task(id).cancel();
    });
    return { played, wrong: check({ "it was cancelled": played.outcome.status === "cancelled" }) };
  }

  async function onlyOnce(stage: Stage): Promise<Shown> {
    const file = join(folder, "runs.txt");
    const script = `require("node:fs").appendFileSync(${JSON.stringify(file)}, "ran\\n"); console.log("ran")`;
    const call = command(["-e", script], { idempotency_key: "demo-once" });
    const first = await stage.dispatch(call);
    const played = await stage.play(call);
    const runs = await readFile(file, "utf8").catch(() => "");
    const count = runs.split("\n").filter(Boolean).length;
    await stage.say(
      `2 dispatches, ${first === played.id ? "1 task" : "2 tasks"}, ${count} run${count === 1 ? "" : "s"}`,
      "reset",
    );
    return {
      played,
      wrong: check({
        "it succeeded": played.outcome.status === "succeeded",
        "both dispatches are one task": first === played.id,
        "it ran once": count === 1,
      }),
    };
  }
}
