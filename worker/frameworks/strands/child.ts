import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { requestSchema } from "./request.ts";
import type { Said, SaidEnd } from "./said.ts";

/**
 * The process that one agent runs in: `child <file of the request>`, with the prompt on standard input. It prints what
 * happens as lines of JSON. At SIGTERM, or once nobody reads it, it ends the agent and gives back what that holds elsewhere.
 */
const [file = ""] = process.argv.slice(2);
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
process.on("SIGINT", () => stop.abort());
process.stdout.on("error", () => stop.abort());
// Libraries print warnings; the lines on standard output are ours alone.
console.log = console.error;
console.info = console.error;
console.debug = () => {};

const say = (line: Said) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const end = (how: SaidEnd) => say({ type: "end", ...how });

try {
  const request = requestSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const prompt = await text(process.stdin);
  // Only now, so that a stop is heard while all of it is loaded.
  const { runAgent } = await import("./agent.ts");
  end(await runAgent(request, prompt, { say, signal: stop.signal }));
} catch (error) {
  const { problemOf } = await import("./failure.ts");
  end({ error: problemOf(error) });
}
// Whatever a library holds open must not keep the task waiting; what was written is written first.
process.stdout.write("", () => process.exit(0));
