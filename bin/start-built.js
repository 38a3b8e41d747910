// Starts a program as it was built, from the code that V8 compiled when it ran before. Node's own compile cache has no more of
// a file than what is compiled as it is loaded; each function that is called first has to be compiled again.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { hash } = require("node:crypto");
const fs = require("node:fs");
const { dirname, join } = require("node:path");
const vm = require("node:vm");

const folder = join(import.meta.dirname, "../dist/package");
const [HEAD, TAIL] = ["(function(exports,require,module,__filename,__dirname){", "\n})"];

/** Runs `<program>.cjs` of the package; what is compiled is kept below `cache`, apart for each command. */
export function startBuilt(program, cache) {
  const [, , command = ""] = process.argv;
  const kept = join(cache, `${folder}-${process.version}`.replaceAll(/\W+/g, "-"), command);
  const modules = new Map();
  const compiled = [];

  function load(file) {
    const known = modules.get(file);
    if (known) return known.exports;
    const path = join(folder, file);
    const { script, keep } = compile(path, join(kept, `${file}.bin`));
    if (keep) compiled.push(keep);
    const module = { exports: {} };
    modules.set(file, module);
    const requireHere = (id) => (id.startsWith("./") ? load(id.slice(2)) : require(id));
    script.runInThisContext()(module.exports, requireHere, module, path, folder);
    return module.exports;
  }

  process.on("exit", (code) => {
    // A word that is no command has ended with 2.
    if (/^[a-z0-9-]*$/.test(command) && code !== 2) for (const keep of compiled) keep();
  });
  load(`${program}.cjs`);
}

/** A file as a script, and what keeps its code for the next start, unless this one came from there. */
function compile(path, kept) {
  const source = fs.readFileSync(path, "utf8");
  const { size, ctimeMs } = fs.statSync(path);
  const state = `${size} ${ctimeMs}\n`;
  const script = new vm.Script(HEAD + source + TAIL, {
    filename: path,
    columnOffset: -HEAD.length,
    cachedData: readKept(kept, state),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  if (script.cachedDataRejected === false) return { script };
  const keep = () => {
    const data = script.createCachedData();
    write(kept, Buffer.concat([Buffer.from(headOf(state, data)), data]));
  };
  return { script, keep };
}

/** What was kept of a file that is still the same. V8 sees whether the code suits it, and not whether it is whole. */
function readKept(kept, state) {
  try {
    const all = fs.readFileSync(kept);
    const data = all.subarray(headOf(state, "").length);
    return all.toString("latin1", 0, all.length - data.length) === headOf(state, data) ? data : undefined;
  } catch {
    return undefined;
  }
}

const headOf = (state, data) => `${hash("sha256", data)} ${state}`;

/** Where nothing can be written, the next start compiles again. */
function write(kept, data) {
  const temporary = `${kept}.${process.pid}`;
  const isWritten = attempt(() => {
    fs.mkdirSync(dirname(kept), { recursive: true, mode: 0o700 });
    fs.writeFileSync(temporary, data, { mode: 0o600 });
    fs.renameSync(temporary, kept);
  });
  if (!isWritten) attempt(() => fs.rmSync(temporary));
}

function attempt(work) {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
