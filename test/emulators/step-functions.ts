import { createServer, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { type Execution, type RunnerOptions, runner } from "./executions.ts";
import { Faults } from "./requests/faults.ts";
import { listen } from "./requests/listen.ts";
import { type Flaw, flawOf, type Identities, localIdentity } from "./requests/signature.ts";

type Options = Omit<RunnerOptions, "now"> & { region?: string; identities?: Identities; now?: () => number };

type Refusal = { status: number; code: string; message: string };

/** https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html */
const flawAnswers: Record<Flaw, string> = {
  missing: "MissingAuthenticationToken",
  malformed: "IncompleteSignature",
  unknown_key: "UnrecognizedClientException",
  wrong_scope: "InvalidSignatureException",
  unsigned_header: "InvalidSignatureException",
  skewed: "InvalidSignatureException",
  expired: "InvalidSignatureException",
  wrong_body: "InvalidSignatureException",
  mismatch: "InvalidSignatureException",
};

/**
 * Step Functions on a free port of this machine: one Standard state machine, which runs. Signatures and inputs are checked
 * as the service does. https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 *
 * Left out: every other operation, execution history and its 25,000 events, the 256 KB of a state, that a name is free again
 * after 90 days, the buckets that throttle, and what the interpreter itself leaves out.
 */
export async function startStepFunctions(options: Options) {
  const { region = "us-east-1", identities = localIdentity, now = Date.now } = options;
  const stateMachineArn = `arn:aws:states:${region}:123456789012:stateMachine:agent-dispatch`;
  const executions = new Map<string, Execution>();
  const traces = new Map<string, string>();
  const execute = runner({ ...options, now });
  const faults = new Faults();

  /** The execution that runs now, or why none does. */
  function start(asked: Record<string, unknown>): Execution | Refusal {
    const { stateMachineArn: arn, name, input = "{}" } = asked;
    if (typeof arn !== "string" || typeof input !== "string") return refusal("ValidationException");
    if (!/^arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:[\w-]{1,80}$/.test(arn)) return refusal("InvalidArn");
    // Other names are allowed, but then the execution is not logged; and we always name it.
    if (typeof name !== "string" || !/^[0-9A-Za-z_-]{1,80}$/.test(name)) return refusal("InvalidName");
    if (!isJson(input) || Buffer.byteLength(input) > 262_144) return refusal("InvalidExecutionInput");
    if (arn !== stateMachineArn) return refusal("StateMachineDoesNotExist");
    const known = executions.get(name);
    if (known) return known.status === "RUNNING" && known.input === input ? known : refusal("ExecutionAlreadyExists");
    const execution = execute(name, input);
    executions.set(name, execution);
    return execution;
  }

  async function answer(request: IncomingMessage, body: Buffer): Promise<Refusal | { status: 200; body: string }> {
    const flaw = await flawOf(request, body, { service: "states", region, identities, nowMs: now() });
    if (flaw) return refusal(flawAnswers[flaw], flaw);
    const type = request.headers["content-type"];
    if (request.method !== "POST" || request.url !== "/" || type !== "application/x-amz-json-1.0")
      return refusal("UnknownOperationException");
    if (operationOf(request) !== "StartExecution") return refusal("UnknownOperationException");
    if (!isJson(body.toString())) return refusal("SerializationException");
    const started = start(JSON.parse(body.toString()));
    if ("code" in started) return started;
    const trace = request.headers["x-amzn-trace-id"];
    if (typeof trace === "string" && !traces.has(started.name)) traces.set(started.name, trace);
    const executionArn = `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${started.name}`;
    return { status: 200, body: JSON.stringify({ executionArn, startDate: started.startedAtMs / 1000 }) };
  }

  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    const fault = faults.take(operationOf(request));
    const cut = fault && "cut" in fault ? fault.cut : undefined;
    if (cut === "before") return void request.socket.destroy();
    const result =
      fault && "code" in fault ? { ...refusal(fault.code), status: fault.status } : await answer(request, body);
    if (cut === "after") return void request.socket.destroy();
    response.writeHead(result.status, { "content-type": "application/x-amz-json-1.0" });
    response.end("body" in result ? result.body : JSON.stringify({ __type: result.code, message: result.message }));
  });
  const { endpoint, close } = await listen(server);

  return {
    endpoint,
    stateMachineArn,
    faults,
    /** By name, in the order of their starts. */
    executions: executions as ReadonlyMap<string, Execution>,
    /** The header of the trace with which each was started, by name. */
    traces: traces as ReadonlyMap<string, string>,
    /** Ends what runs, and listens no more. */
    async close() {
      await close();
      await Promise.all([...executions.values()].map((execution) => execution.abort()));
    },
  };
}

function refusal(code: string, message = code): Refusal {
  return { status: 400, code, message };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const operationOf = (request: IncomingMessage): string =>
  /^AWSStepFunctions\.(\w+)$/.exec(String(request.headers["x-amz-target"]))?.[1] ?? "";
