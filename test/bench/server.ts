/** The local system as the benchmark's own process: `server.ts <state folder> <prewarm: true|false>`. Prints `{url, token}`. */
import { startLocal } from "../../lib/local/system.ts";

const [stateDir = "", prewarm = "true"] = process.argv.slice(2);
const system = await startLocal({ stateDir, prewarm: prewarm === "true" });
process.stdout.write(`${JSON.stringify({ url: system.url, token: system.token, pid: process.pid })}\n`);
process.once("SIGTERM", () => void system.close().then(() => process.exit(0)));
