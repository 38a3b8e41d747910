import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createTable } from "../../lib/store/dynamodb/create-table.ts";
import { openClient } from "../../lib/store/dynamodb/dynamo-client.ts";
import { REGION } from "../aws/callers.ts";
import { witness } from "./requests/witness.ts";

/** On a busy machine a stand-in may stand still for longer than the service would, and with it all of a burst of requests. */
const PATIENCE_MS = 60_000;

/** Where DynamoDB Local runs, if it is to be used in place of the stand-in. */
const elsewhere = process.env.DYNAMODB_LOCAL_ENDPOINT;

/**
 * A stand-in for DynamoDB, dynalite, in a child process of its own; or DynamoDB Local.
 *
 * Left out by it: transactions, time to live, point-in-time recovery, PartiQL, `ReturnValuesOnConditionCheckFailure`,
 * throttling, and that indexes lag behind.
 */
export async function startDynalite() {
  if (elsewhere !== undefined) return { ...(await tablesAt(elsewhere)), fail: notThere };
  const script = join(import.meta.dirname, "dynalite-server.mjs");
  const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit", "ipc"] });
  child.on("message", (seen) => {
    const { headers, body } = seen as { headers: Record<string, string>; body: string };
    witness({ request: { headers }, query: {}, service: "dynamodb", region: REGION, body: Buffer.from(body) });
  });
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error("dynalite has no standard streams");
  const lines = createInterface({ input: stdout });
  const port = await new Promise<number>((resolve, reject) => {
    lines.once("line", (line) => resolve(Number(line)));
    child.once("exit", (code) => reject(new Error(`dynalite ended with ${code}`)));
  });
  const tables = await tablesAt(`http://127.0.0.1:${port}`);
  return {
    ...tables,
    /** The next requests of this operation, whoever sends them, are refused with that error. */
    async fail(operation: string, code: string, times: number): Promise<void> {
      const noted = once(lines, "line");
      stdin.write(`${JSON.stringify({ operation, code, times })}\n`);
      await noted;
    },
    async stop() {
      await tables.stop();
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
export type Dynalite = Awaited<ReturnType<typeof startDynalite>>;

const notThere = async (operation: string): Promise<void> => {
  throw new Error(`DynamoDB Local cannot be told to fail ${operation}`);
};

async function tablesAt(endpoint: string) {
  const client = await openClient({ endpoint }, PATIENCE_MS);
  let tables = 0;
  return {
    endpoint,
    client,
    /** Makes an empty table and resolves with its name. */
    async makeTable(): Promise<string> {
      const name = `agent-dispatch-${process.pid}-${++tables}`;
      await createTable(client, name);
      return name;
    },
    async stop() {
      client.destroy();
    },
  };
}
