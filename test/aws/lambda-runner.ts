import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ConfigurationInput } from "../../lib/domain/profile.ts";
import { bundle } from "../../lib/infra/bundle.ts";

const runtime = join(import.meta.dirname, "fixtures/lambda-runtime.mjs");

type Environment = { child: ChildProcess; url: string; busy: boolean };

/**
 * Makes of a handler's source, a path in the repository, what is deployed, with the configuration beside it. `out` is an
 * empty folder. Resolves with the file that is run.
 */
export async function buildFunction(entry: string, out: string, configuration: ConfigurationInput): Promise<string> {
  const { file } = await bundle(entry, out);
  await writeFile(join(dirname(file), "configuration.json"), JSON.stringify(configuration));
  return file;
}

/**
 * A built handler as Lambda runs it: in processes of its own that see nothing but their code and their environment, in
 * which nobody's credentials are. Each handles one event at a time; while all are busy, another is started.
 */
export function deployFunction(file: string, env: Record<string, string>) {
  const environments: Environment[] = [];
  let output = "";

  async function start(): Promise<Environment> {
    const child = spawn(process.execPath, [runtime, file], {
      cwd: dirname(file),
      stdio: ["ignore", "pipe", "inherit", "ipc"],
      env: {
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        LAMBDA_TASK_ROOT: dirname(file),
        ...env,
      },
    });
    child.stdout?.on("data", (chunk) => {
      output += chunk;
    });
    const ended = once(child, "exit").then(([code]) => [{ failed: `the runtime ended with ${code}` }]);
    const [told] = (await Promise.race([once(child, "message"), ended])) as [{ port?: number; failed?: string }];
    if (told.port === undefined) throw new Error(told.failed);
    const environment = { child, url: `http://127.0.0.1:${told.port}`, busy: true };
    environments.push(environment);
    return environment;
  }

  return {
    /** Runs one event; the answer's body is what the handler wrote, or its result as JSON. */
    async invoke(event: unknown, options: { signal?: AbortSignal; remainingMs?: number } = {}): Promise<Response> {
      const { signal, remainingMs = 900_000 } = options;
      const environment = environments.find(({ busy }) => !busy) ?? (await start());
      environment.busy = true;
      const free = () => {
        environment.busy = false;
      };
      try {
        const response = await fetch(environment.url, {
          method: "POST",
          body: JSON.stringify({ event, requestId: randomUUID(), remainingMs }),
          ...(signal && { signal }),
        });
        // Free again once all was read, so that nobody finds it in the middle of an answer.
        const body = response.body?.pipeThrough(new TransformStream({ flush: free }));
        return new Response(body ?? null, { status: response.status, headers: response.headers });
      } catch (error) {
        free();
        throw error;
      }
    },
    /** Log lines so far, each one as JSON. */
    logged: () =>
      output
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    async stop() {
      for (const { child } of environments) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill("SIGKILL");
        await once(child, "exit");
      }
    },
  };
}
export type DeployedFunction = ReturnType<typeof deployFunction>;
