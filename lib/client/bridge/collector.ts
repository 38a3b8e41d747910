import { createRequire } from "node:module";
import type * as V8 from "node:v8";
import type * as Vm from "node:vm";

/** Bytes that may pass before what they took is freed. */
const INTERVAL_BYTES = 2 * 1024 * 1024;

/**
 * Frees what passed through: V8 alone lets 64 MB of buffers pile up before it looks, which is more than all the rest of the
 * bridge. To be told of the bytes that pass.
 */
export function makeCollector(): (bytes: number) => void {
  let passed = 0;
  let collect: (() => void) | undefined;
  return (bytes) => {
    passed += bytes;
    if (passed < INTERVAL_BYTES) return;
    passed = 0;
    collect ??= collectorOfV8();
    collect();
  };
}

/** Loaded when it is needed, which it is in few sessions. https://nodejs.org/api/v8.html#v8setflagsfromstringflags */
function collectorOfV8(): () => void {
  const require = createRequire(import.meta.url);
  (require("node:v8") as typeof V8).setFlagsFromString("--expose-gc");
  return (require("node:vm") as typeof Vm).runInNewContext("gc") as () => void;
}
