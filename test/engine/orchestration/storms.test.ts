import { stormOf } from "./storms.ts";

for (let seed = 100; seed < 130; seed++) stormOf(seed, 100);
