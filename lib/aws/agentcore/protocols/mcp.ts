import { Readable } from "node:stream";
import { Client, type FetchLike, StreamableHTTPClientTransport, type Tool } from "@modelcontextprotocol/client";
import { RefusedError } from "../../../domain/errors.ts";
import type { JobEnd } from "../../../domain/ports.ts";
import type { Job } from "../../../domain/worker-contract.ts";
import { agentFailed } from "./problem.ts";
import { type Exchange, promptOf } from "./protocol.ts";

/** Where a transport thinks that it connects to; nothing is ever sent there. */
const NOWHERE = new URL("http://agentcore.invalid/mcp");
/** Arguments that take an instruction, the likeliest first. */
const promptNames = ["prompt", "instruction", "task", "message", "query", "input", "question", "text"];

/**
 * One call of a tool: the configured one, or the only one that the server has. Its result is the tool's structured content,
 * else its text.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-mcp-protocol-contract.html
 */
export async function mcp(exchange: Exchange): Promise<JobEnd> {
  const { job, signal, maxSeconds, log } = exchange;
  const client = new Client({ name: "agent-dispatch", version: "1.0.0" });
  const invocations = overInvocations(exchange);
  const options = { signal, timeout: maxSeconds * 1000 };
  try {
    // A call whose stream broke is not begun again.
    const reconnectionOptions = {
      maxRetries: 0,
      initialReconnectionDelay: 1000,
      maxReconnectionDelay: 1000,
      reconnectionDelayGrowFactor: 1,
    };
    await client.connect(
      new StreamableHTTPClientTransport(NOWHERE, { fetch: invocations.fetch, reconnectionOptions }),
      options,
    );
    const { tools } = await client.listTools({}, options);
    const tool = chooseTool(tools, exchange.tool);
    const call = { name: tool.name, arguments: argumentsFor(tool, job) };
    const onprogress = ({ message }: { message?: string | undefined }) => message && log(`${message}\n`, "stdout");
    const envelope = await client.callTool(call, { ...options, onprogress });
    const text = envelope.content.flatMap((block) => (block.type === "text" ? block.text : [])).join("\n");
    const result = envelope.structuredContent ?? (text !== "" ? text : envelope.content);
    return { result, envelope, ...(envelope.isError && { error: agentFailed(text) }) };
  } catch (error) {
    // What AgentCore said is inside of what the client makes of it.
    throw invocations.failure ?? error;
  } finally {
    await client.close().catch(() => {});
  }
}

/** The client's requests as invocations of the session; its other requests have no place on AgentCore. */
function overInvocations({ invoke, signal }: Exchange): { fetch: FetchLike; failure?: unknown } {
  const invocations: { fetch: FetchLike; failure?: unknown } = {
    async fetch(_url, { method, body, headers } = {}) {
      if (method !== "POST") return new Response(null, { status: 405 });
      const mcpProtocolVersion = new Headers(headers).get("mcp-protocol-version") ?? undefined;
      try {
        const reply = await invoke(JSON.parse(String(body)), { mcpProtocolVersion });
        const { statusCode: status, contentType = "application/json" } = reply;
        if (status === 202 || !(reply.body instanceof Readable)) return new Response(null, { status: 202 });
        const stream = reply.body;
        signal.addEventListener("abort", () => stream.destroy(), { once: true });
        stream.once("error", (error) => {
          invocations.failure ??= error;
        });
        return new Response(Readable.toWeb(stream) as ReadableStream, { headers: { "content-type": contentType } });
      } catch (error) {
        invocations.failure ??= error;
        throw error;
      }
    },
  };
  return invocations;
}

/** Throws RefusedError `adapter.unsupported` when it is not clear which tool takes the job. */
function chooseTool(tools: Tool[], wanted: string | undefined): Tool {
  const [only, ...others] = wanted === undefined ? tools : tools.filter(({ name }) => name === wanted);
  if (only && others.length === 0) return only;
  const names = tools.map(({ name }) => name).slice(0, 50);
  const what = wanted === undefined ? `${tools.length} tools` : `no tool named ${wanted}`;
  throw new RefusedError("adapter.unsupported", `the MCP server has ${what}: which takes the job is not known`, {
    hint: `set target.details.tool to one of: ${names.join(", ") || "none is there"}`,
    details: { tools: names },
  });
}

/** The instruction, and what else the tool takes of the job by name. Throws RefusedError `adapter.unsupported`. */
function argumentsFor({ name, inputSchema }: Tool, job: Job): Record<string, unknown> {
  const properties = (inputSchema.properties ?? {}) as Record<string, { type?: unknown } | undefined>;
  const { required = [] } = inputSchema;
  const takesText = (key: string) => Object.hasOwn(properties, key) && properties[key]?.type === "string";
  const texts = Object.keys(properties).filter(takesText);
  const needed = required.filter(takesText);
  const prompt =
    promptNames.find(takesText) ?? (needed.length === 1 ? needed[0] : texts.length === 1 ? texts[0] : undefined);
  if (prompt === undefined)
    throw new RefusedError("adapter.unsupported", `the tool ${name} has no argument that takes an instruction`, {
      hint: `an argument of type string named ${promptNames.slice(0, 4).join(", ")} or the like takes it`,
    });
  const others = { context: job.context, metadata: job.metadata };
  const taken = Object.entries(others).filter(([key, value]) => value !== undefined && Object.hasOwn(properties, key));
  return { ...Object.fromEntries(taken), [prompt]: promptOf(job) };
}
