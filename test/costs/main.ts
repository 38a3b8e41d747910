/**
 * Counts everything anew, and writes what was counted and docs/COSTS.md; with `--page` the page alone, of what is counted
 * already.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Counts, countAll } from "./counts.ts";
import { page } from "./page.ts";
import { points } from "./points.ts";

const root = join(import.meta.dirname, "../..");
const countsFile = join(import.meta.dirname, "counts.json");
const { values } = parseArgs({ options: { page: { type: "boolean", default: false } } });

const counts: Counts = values.page
  ? JSON.parse(readFileSync(countsFile, "utf8"))
  : await countAll((what) => process.stderr.write(`${what}\n`));
if (!values.page) writeFileSync(countsFile, `${JSON.stringify(counts)}\n`);
writeFileSync(join(root, "lib/contract/costs/control-plane.json"), `${JSON.stringify(points(counts), null, 2)}\n`);
const text = page(counts);
writeFileSync(join(root, "docs/COSTS.md"), text);
process.stdout.write(text);
