import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import { bundle } from "../../lib/infra/bundle.ts";

const runtime = join(import.meta.dirname, "lambda-runtime.mjs");

type Environment = { child: ChildProcess; url: string; busy: boolean; exited: Promise<void> };
type InvokeOptions = {
  signal?: AbortSignal;
  remainingMs?: number;
  /** The event has its effect, and its environment is killed before it answers. */
  dies?: boolean;
};

/** A process that stands still does not see that whoever started it has ended. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * Makes of a handler's source, a path in the repository, what is deployed, with the configuration beside it. `out` is an
 * empty folder. Resolves with the file that is run.
 */
export async function buildFunction(entry: string, out: string, configuration: ConfigurationInput): Promise<string> {
  const { file } = await bundle(entry, out);
  await writeFile(join(dirname(file), "configuration.json"), JSON.stringify(configuration));
  return file;
}

/** The functions of an account that run at once. */
export class Concurrency {
  readonly most: number;
  running = 0;
  highest = 0;
  refused = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** False when as many run as may. */
  enter(): boolean {
    if (this.running >= this.most) {
      this.refused += 1;
      return false;
    }
    this.running += 1;
    this.highest = Math.max(this.highest, this.running);
    return true;
  }

  leave(): void {
    this.running -= 1;
  }
}

type Limits = {
  /** Environments of this function. */
  most?: number;
  account?: Concurrency;
};

/**
 * A built handler as Lambda runs it: in processes of its own that see nothing but their code and their environment, in which
 * nobody's credentials are. Each handles one event at a time, and stands still between events; while all are busy, another is
 * started. Once there are `most`, an event waits, where Lambda would have its sender try again; beyond the concurrency of the
 * account it is refused.
 *
 * Left out: the limits of memory, time, payload and /tmp, the bursts in which concurrency grows, retries and destinations of
 * asynchronous events, the role of the function, and that an environment ends after hours.
 */
export function deployFunction(file: string, env: Record<string, string>, limits: Limits = {}) {
  const { most = Number.POSITIVE_INFINITY, account } = limits;
  const environments = new Set<Environment>();
  let output = "";
  /** Whole lines only: several processes write, each to two streams. */
  const listen = (stream: Readable) => {
    let begun = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (begun + chunk).split("\n");
      begun = lines.pop() ?? "";
      for (const line of lines) output += `${line}\n`;
    });
  };
  let isStopped = false;
  const waiting: (() => void)[] = [];

  async function start(): Promise<Environment> {
    if (isStopped) throw new Error("the function was deleted");
    const child = spawn(process.execPath, [runtime, file], {
      cwd: dirname(file),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: {
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        LAMBDA_TASK_ROOT: dirname(file),
        POWERTOOLS_SERVICE_NAME: "agent-dispatch",
        POWERTOOLS_METRICS_NAMESPACE: "AgentDispatch/agent-dispatch",
        NODE_COMPILE_CACHE: join(tmpdir(), "agentdispatch-test-compile-cache"),
        ...env,
      },
    });
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) if (stream) listen(stream);
    const ended = once(child, "exit");
    const environment: Environment = { child, url: "", busy: true, exited: ended.then(() => undefined) };
    environments.add(environment);
    void ended.then(() => {
      environments.delete(environment);
      running.delete(child);
      waiting.shift()?.();
    });
    const failed = ended.then(([code]) => [{ failed: `the runtime ended with ${code}` }]);
    const [told] = (await Promise.race([once(child, "message"), failed])) as [{ port?: number; failed?: string }];
    if (told.port === undefined) throw new Error(told.failed);
    environment.url = `http://127.0.0.1:${told.port}`;
    return environment;
  }

  /** An environment that handles nothing, which is busy from now on. */
  async function take(): Promise<Environment> {
    let idle = [...environments].find(({ busy }) => !busy);
    while (!idle && environments.size >= most) {
      await new Promise<void>((resolve) => waiting.push(resolve));
      idle = [...environments].find(({ busy }) => !busy);
    }
    if (!idle) return start();
    idle.busy = true;
    idle.child.kill("SIGCONT");
    return idle;
  }

  /** Resolves when the event was handled to its end, also if nobody waits for the answer any more. */
  async function handled({ child, exited }: Environment, requestId: string): Promise<void> {
    const done = Promise.withResolvers<void>();
    const listen = (told: { done?: string }) => told.done === requestId && done.resolve();
    child.on("message", listen);
    await Promise.race([done.promise, exited]);
    child.off("message", listen);
  }

  const end = async (those: Iterable<Environment>) => {
    await Promise.all(
      [...those].map((environment) => {
        // From now on no event may come here.
        environments.delete(environment);
        environment.child.kill("SIGKILL");
        return environment.exited;
      }),
    );
  };

  return {
    /**
     * Runs one event; the answer's body is what the handler wrote, or its result as JSON. That the environment died is an
     * answer as well.
     */
    async invoke(event: unknown, options: InvokeOptions = {}): Promise<Response> {
      const { signal, remainingMs = 900_000, dies = false } = options;
      if (account && !account.enter()) return throttled();
      const environment = await take();
      const requestId = randomUUID();
      const over = handled(environment, requestId).then(() => {
        account?.leave();
        environment.busy = false;
        environment.child.kill("SIGSTOP");
        waiting.shift()?.();
      });
      const response = await fetch(environment.url, {
        method: "POST",
        body: JSON.stringify({ event, requestId, remainingMs, dies }),
        ...(signal && { signal }),
      }).catch(async (error) => {
        if (signal?.aborted) throw error;
        await environment.exited;
        return exitError(requestId);
      });
      // It ends once the environment is free, so that whoever has read it finds it so.
      const body = response.body?.pipeThrough(new TransformStream({ flush: () => over }));
      return new Response(body ?? null, { status: response.status, headers: response.headers });
    },
    /** Ends environments that handle nothing, as Lambda may at any time. */
    recycle: () => end([...environments].filter(({ busy }) => !busy)),
    /** Kills every environment, whatever it does. */
    killAll: () => end(environments),
    /** Log lines so far, each one as JSON; one that is not is there as `{text}`. */
    logged: () => output.split("\n").slice(0, -1).map(lineOf),
    /** All that was written so far, as it is. */
    written: () => output,
    async stop() {
      isStopped = true;
      await end(environments);
    },
  };
}
/** Lambda keeps what is no JSON, a warning of Node for one, as it is. */
function lineOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}

export type DeployedFunction = ReturnType<typeof deployFunction>;

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const throttled = (): Response =>
  Response.json(
    { errorType: "TooManyRequestsException", errorMessage: "Rate Exceeded." },
    { status: 429, headers: { "x-amz-function-error": "Throttled" } },
  );

/** What Lambda answers when an environment ends in the middle. */
const exitError = (requestId: string): Response =>
  Response.json(
    {
      errorType: "Runtime.ExitError",
      errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: signal: killed`,
    },
    { status: 500, headers: { "x-amz-function-error": "Unhandled" } },
  );
