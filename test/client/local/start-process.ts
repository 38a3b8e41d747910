/**
 * A program that finds or starts a local system: `start-process.ts <place as JSON> [<time until idle>]`. Prints the system as
 * JSON, or the error with its code; with STAY set it then waits for the end of its standard input.
 */
import { findOrStartLocal } from "../../../lib/client/local/start.ts";
import { DispatchError } from "../../../lib/contract/errors.ts";

const [place = "{}", untilIdle] = process.argv.slice(2);
try {
  const system = await findOrStartLocal(JSON.parse(place), { ...(untilIdle !== undefined && { untilIdle }) });
  console.log(JSON.stringify(system));
} catch (error) {
  if (!(error instanceof DispatchError)) throw error;
  console.log(JSON.stringify(error.problem));
}
if (process.env.STAY) process.stdin.resume();
