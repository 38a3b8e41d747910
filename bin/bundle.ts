#!/usr/bin/env node
import { bundleAll } from "../lib/infra/bundle.ts";

/** Bundles all that is deployed into the folder named, or into `dist`. */
const out = process.argv[2] ?? "dist";
for (const { file, bytes } of (await bundleAll(out)).values()) console.log(`${file}  ${Math.round(bytes / 1000)} kB`);
