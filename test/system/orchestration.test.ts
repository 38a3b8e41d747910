/** Tasks that are made of others, and what tasks leave that dispatched some, against the real system on one machine. */
import { outliving } from "./suites/families.ts";
import { orchestrating } from "./suites/orchestrating.ts";
import { localSystem } from "./under-test.ts";

orchestrating(localSystem());
outliving(localSystem());
