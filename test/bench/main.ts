import { parseArgs } from "node:util";
import { benchAgents } from "./agents.ts";
import { type BenchSystem, withSystem } from "./bench-system.ts";
import { setCalls } from "./beside.ts";
import { benchBridge } from "./bridge.ts";
import { benchBundles } from "./bundles.ts";
import { benchCached } from "./cached.ts";
import { benchChildren } from "./children.ts";
import { benchCommand, benchFirst, benchMany } from "./command.ts";
import { report } from "./figures.ts";
import { benchHandle } from "./handle.ts";
import { configuration } from "./jobs.ts";
import { benchNothing, benchQueue } from "./load.ts";
import { benchLogLine } from "./log-line.ts";
import { benchIdleJobs } from "./memory.ts";
import { benchOutput } from "./output.ts";
import { benchParallel } from "./parallel.ts";
import { benchStart } from "./start.ts";

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    /** A command line that runs the same program in another way, once per job. */
    beside: { type: "string" },
    /** The command line is an MCP server on stdio instead, and this is a call that makes up a job. */
    call: { type: "string", multiple: true, default: [] },
    /** The command line that starts the Python package agent-dispatch as an MCP server on stdio. */
    python: { type: "string" },
  },
});
setCalls(values.call);

const warm = (measure: (system: BenchSystem) => Promise<void>) => withSystem({ prewarm: true, configuration }, measure);

const benches: Readonly<Record<string, () => Promise<void>>> = {
  handle: () => withSystem({ prewarm: false }, benchHandle),
  cached: benchCached,
  parallel: () => benchParallel(values.python),
  children: benchChildren,
  command: () => warm((system) => benchCommand(system, values.beside)),
  many: () => warm(benchMany),
  first: () => benchFirst(warm),
  memory: () => warm(benchIdleJobs),
  agents: benchAgents,
  "log-line": () => withSystem({ prewarm: true }, benchLogLine),
  output: () => withSystem({ prewarm: true }, benchOutput),
  async load() {
    await withSystem({ prewarm: false }, benchQueue);
    await benchNothing();
  },
  start: () => warm(benchStart),
  bundles: benchBundles,
  bridge: benchBridge,
};

// Names choose some of them; only all together are kept.
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0)
  throw new Error(`there is no ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}`);
for (const [name, bench] of Object.entries(benches)) if (names.length === 0 || names.includes(name)) await bench();
report({ keep: names.length === 0 });
