import type { RealProgram } from "../real-program.ts";
import { ending } from "./ending.ts";
import { failing } from "./failing.ts";
import { goingOn } from "./going-on.ts";
import { trust } from "./trust.ts";
import { working } from "./working.ts";

/** Everything that holds for each program. */
export function suites(program: RealProgram): void {
  working(program);
  failing(program);
  ending(program);
  goingOn(program);
  trust(program);
}
