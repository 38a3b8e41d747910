/**
 * `npm run test:dynamodb-local`: the suites of the store on DynamoDB Local instead of the stand-in that the other tests use.
 * With an endpoint in `DYNAMODB_LOCAL_ENDPOINT` that one is used; else Maven fetches DynamoDB Local and Java runs it, in
 * memory, until the tests are done. Where that cannot be done it fails, and says why. It listens on every interface, as it
 * has no option to do otherwise; it is given nothing but what the tests make up.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../fixtures/free-port.ts";

const MAIN = "software.amazon.dynamodb.services.local.main.ServerRunner";
const READY_MS = 60_000;
const suites = [
  "test/store/dynamodb/task-store.test.ts",
  "test/store/dynamodb/damaged-task.test.ts",
  "test/engine/growth.test.ts",
];

/** Runs a program to its end. Throws when it is missing or fails. */
function run(program: string, args: string[], env: Record<string, string> = {}): void {
  const { error, status } = spawnSync(program, args, { stdio: "inherit", env: { ...process.env, ...env } });
  if (error) throw new Error(`${program} cannot be run (${error.message}); it is needed for DynamoDB Local`);
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
}

/** Starts DynamoDB Local and resolves with its endpoint once it answers. */
async function start(): Promise<{ endpoint: string; server: ChildProcess }> {
  const libraries = join(tmpdir(), "agent-dispatch-dynamodb-local");
  const pom = join(import.meta.dirname, "pom.xml");
  run("mvn", ["-q", "-B", "-f", pom, "dependency:copy-dependencies", `-DoutputDirectory=${libraries}`]);
  const port = await freePort();
  const options = ["-inMemory", "-disableTelemetry", "-port", String(port)];
  const server = spawn("java", [`-Djava.library.path=${libraries}`, "-cp", join(libraries, "*"), MAIN, ...options], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const failed = new Promise<never>((_, reject) => {
    server.once("error", (error) => reject(new Error(`java cannot be run (${error.message})`)));
    server.once("exit", (code) => reject(new Error(`DynamoDB Local ended with ${code}`)));
  });
  failed.catch(() => {});
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await Promise.race([failed, answering(endpoint)]);
  } catch (error) {
    server.kill("SIGKILL");
    throw error;
  }
  return { endpoint, server };
}

async function answering(endpoint: string): Promise<void> {
  const until = performance.now() + READY_MS;
  while (performance.now() < until) {
    if (
      await fetch(endpoint).then(
        () => true,
        () => false,
      )
    )
      return;
    await sleep(100);
  }
  throw new Error(`DynamoDB Local does not answer at ${endpoint} after ${READY_MS / 1000} s`);
}

const given = process.env.DYNAMODB_LOCAL_ENDPOINT;
const started = given === undefined ? await start() : undefined;
try {
  run("npx", ["vitest", "run", ...suites], { DYNAMODB_LOCAL_ENDPOINT: given ?? started?.endpoint ?? "" });
} finally {
  started?.server.kill("SIGKILL");
}
