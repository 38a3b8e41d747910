// What npm links to: plain JavaScript that old versions of Node read too, so that they can say which one is needed.
import { createRequire } from "node:module";

// An import of `node:fs` would bring in its streams and promises, which not every program needs.
const require = createRequire(import.meta.url);
const { existsSync } = require("node:fs");
const { homedir } = require("node:os");
const { isAbsolute, join } = require("node:path");

/** The oldest Node for each program of the package; in a clone it has to read TypeScript as well. */
const needed = { bridge: "20.16.0" };
const NEEDED = "22.18.0";

/**
 * Runs a program of this package: as it was built, or in a clone as it was written. Where Node is too old for it, says so and
 * ends with 2.
 */
export async function launch(program) {
  const isClone = existsSync(new URL("agent-dispatch.ts", import.meta.url));
  const oldest = (!isClone && needed[program]) || NEEDED;
  if (!isAtLeast(oldest)) {
    const more = isClone ? "" : "; on Node 20 only `agent-dispatch bridge` runs";
    console.error(`✖ this needs Node ${oldest} or newer, and here is ${process.versions.node}${more}`);
    process.exit(2);
  }
  // On Node 22 all that uses SQLite would begin with a warning that tells nobody what to do.
  const { emitWarning } = process;
  process.emitWarning = (warning, ...more) => {
    if (!/^SQLite is an experimental feature/.test(String(warning))) emitWarning.call(process, warning, ...more);
  };
  // Compiled code is kept for the next start, where only this user can write.
  const kept = join(cacheFolder(), "agent-dispatch");
  require("node:module").enableCompileCache?.(join(kept, "compile-cache"));
  if (isClone) await import(`./${program}.ts`);
  else (await import("./start-built.js")).startBuilt(program, join(kept, "code-cache"));
}

function isAtLeast(version) {
  const [here, there] = [process.versions.node, version].map((text) => text.split(".").map(Number));
  const differing = there.findIndex((number, index) => number !== here[index]);
  return differing === -1 || here[differing] > there[differing];
}

/** Where this platform keeps what can be made again: https://specifications.freedesktop.org/basedir-spec/latest/ */
function cacheFolder() {
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches");
  const cache = process.env.XDG_CACHE_HOME;
  return cache && isAbsolute(cache) ? cache : join(homedir(), ".cache");
}
