import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createTable } from "../../lib/aws/create-table.ts";
import { openClient } from "../../lib/aws/dynamo-client.ts";

/** A stand-in for DynamoDB in a child process of its own. */
export async function startDynalite() {
  const script = join(import.meta.dirname, "fixtures/dynalite-server.mjs");
  const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (line) => resolve(Number(line)));
    child.once("exit", (code) => reject(new Error(`dynalite ended with ${code}`)));
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const client = await openClient({ endpoint });
  let tables = 0;
  return {
    endpoint,
    client,
    /** Makes an empty table and resolves with its name. */
    async makeTable(): Promise<string> {
      const name = `agent-dispatch-${++tables}`;
      await createTable(client, name);
      return name;
    },
    async stop() {
      client.destroy();
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
export type Dynalite = Awaited<ReturnType<typeof startDynalite>>;
