#!/usr/bin/env node
import { buildPackage } from "../lib/package/build.ts";

/** Builds what `npm pack` packs, into the folder named, or into that of the package. */
await buildPackage(process.argv[2]);
