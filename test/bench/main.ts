import { withSystem } from "./bench-system.ts";
import { benchBundles } from "./bundles.ts";
import { benchBare, benchCommand } from "./command.ts";
import { report } from "./figures.ts";
import { benchHandle } from "./handle.ts";
import { benchLogLine } from "./log-line.ts";

await withSystem({ prewarm: false }, benchHandle);
await benchBare();
await withSystem({ prewarm: true }, (system) => benchCommand(system, true));
await withSystem({ prewarm: false }, (system) => benchCommand(system, false));
await withSystem({ prewarm: true }, benchLogLine);
await benchBundles();
report();
