import { fork } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ownerHash } from "../../lib/aws/observe/owner-hash.ts";

type Span = {
  name: string;
  trace_id: string;
  parent_id: string;
  error?: boolean;
  annotations: Record<string, unknown>;
};

/** The daemon that Lambda has beside a function: it takes spans as datagrams, a header and a line of JSON each. */
async function daemon() {
  const socket = createSocket("udp4");
  const spans: Span[] = [];
  const texts: string[] = [];
  socket.on("message", (datagram) => {
    const [, body = ""] = String(datagram).split("\n");
    texts.push(String(datagram));
    spans.push(JSON.parse(body) as Span);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return { spans, texts, address: `127.0.0.1:${socket.address().port}` };
}

/** What a program in a function's environment says, and the spans that it sends. */
async function run(header: string) {
  const { spans, texts, address } = await daemon();
  const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
  const child = fork(join(import.meta.dirname, "spans-process.ts"), {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: {
      PATH,
      NODE_COMPILE_CACHE,
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      LAMBDA_TASK_ROOT: import.meta.dirname,
      AWS_XRAY_DAEMON_ADDRESS: address,
      POWERTOOLS_SERVICE_NAME: "stack",
      POWERTOOLS_METRICS_NAMESPACE: "AgentDispatch/stack",
      _X_AMZN_TRACE_ID: header,
    },
  });
  const [said] = await once(child, "message");
  await once(child, "exit");
  return { said, spans, texts };
}

const root = "1-5759e988-bd862e3fe1be46a994272793";

test("a step whose trace is sampled is a span of it, which its task finds, unless it is the first of its environment", async () => {
  const { said, spans, texts } = await run(`Root=${root};Parent=53995c3f42cd8ad8;Sampled=1`);
  expect(said).toEqual({ done: "done", failed: "a text that nobody else may see" });
  const annotations = {
    step: "Watch",
    taskId: `task_${"a".repeat(32)}`,
    owner: ownerHash("arn:aws:sts::123456789012:assumed-role/deployer"),
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  };
  const span = { name: "## Watch", trace_id: root, parent_id: "53995c3f42cd8ad8", annotations };
  expect(spans).toMatchObject([span, { ...span, error: true }]);
  // What failed is told by the log alone.
  expect(texts.join("")).not.toContain("nobody else");
  expect(texts.join("")).not.toContain("deployer");
});

test("what is no trace fails nothing", async () => {
  const { said } = await run("Root=none;Sampled=1");
  expect(said).toEqual({ done: "done", failed: "a text that nobody else may see" });
});

test("one that is not sampled sends nothing", async () => {
  const { said, spans } = await run(`Root=${root};Parent=53995c3f42cd8ad8;Sampled=0`);
  expect(said).toMatchObject({ done: "done" });
  expect(spans).toEqual([]);
});
