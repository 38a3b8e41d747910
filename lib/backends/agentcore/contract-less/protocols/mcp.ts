import { Client, ProtocolError, type Tool } from "@modelcontextprotocol/client";
import { RefusedError } from "../../../../contract/errors.ts";
import type { Job } from "../../../../contract/worker.ts";
import type { JobEnd } from "../../../adapter.ts";
import { overInvocations } from "./mcp-transport.ts";
import { agentFailed } from "./problem.ts";
import { type Exchange, promptOf } from "./protocol.ts";

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
  const sent = overInvocations(exchange);
  const options = { signal, timeout: maxSeconds * 1000 };
  try {
    await client.connect(sent.transport, options);
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
    if (sent.failure !== undefined) throw sent.failure;
    if (error instanceof ProtocolError) return { error: agentFailed(error.message) };
    throw error;
  } finally {
    await client.close().catch(() => {});
  }
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
