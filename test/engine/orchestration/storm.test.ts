import { stormOf } from "./storms.ts";

// Longer ones, and more of them: storms.test.ts
stormOf(1, 40);
