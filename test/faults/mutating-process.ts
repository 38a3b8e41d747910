/** Loaded ahead of a program with `node --import`: breaks the source in the way that FAULTS_MUTATION names. */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { mutations } from "./mutations.ts";

const mutation = mutations[process.env.FAULTS_MUTATION ?? ""];
if (!mutation) throw new Error(`FAULTS_MUTATION is none of: ${Object.keys(mutations).join("; ")}`);
const path = resolve(import.meta.dirname, "../..", mutation.file);
const source = readFileSync(path, "utf8");
if (source.split(mutation.from).length !== 2) throw new Error(`${mutation.file} has not once: ${mutation.from}`);
const broken = source.replace(mutation.from, () => mutation.to);
const url = pathToFileURL(path).href;

registerHooks({
  load: (asked, context, next) =>
    asked === url ? { ...next(asked, context), source: broken, shortCircuit: true } : next(asked, context),
});
