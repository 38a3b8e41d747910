import { withSystem } from "./bench-system.ts";
import { benchBundles } from "./bundles.ts";
import { benchBare, benchCommand } from "./command.ts";
import { report } from "./figures.ts";
import { benchHandle } from "./handle.ts";
import { benchMany, benchNothing, benchQueue } from "./load.ts";
import { benchLogLine } from "./log-line.ts";
import { benchOutput } from "./output.ts";

const benches: Readonly<Record<string, () => Promise<void>>> = {
  handle: () => withSystem({ prewarm: false }, benchHandle),
  async command() {
    await benchBare();
    await withSystem({ prewarm: true }, (system) => benchCommand(system, true));
    await withSystem({ prewarm: false }, (system) => benchCommand(system, false));
  },
  "log-line": () => withSystem({ prewarm: true }, benchLogLine),
  output: () => withSystem({ prewarm: true }, benchOutput),
  async load() {
    await withSystem({ prewarm: false }, benchQueue);
    await withSystem({ prewarm: true }, benchMany);
    await benchNothing();
  },
  bundles: benchBundles,
};

// Names choose some of them; only all together are kept.
const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0)
  throw new Error(`there is no ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}`);
for (const [name, bench] of Object.entries(benches)) if (names.length === 0 || names.includes(name)) await bench();
report({ keep: names.length === 0 });
