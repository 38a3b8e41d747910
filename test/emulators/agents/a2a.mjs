/**
 * An A2A agent made with its official library, as a container runs it. Its prompt says in which state its task ends; told to
 * ask, it asks in its task until it is told something else, and says whose answers it had.
 */
import { A2A_PROTOCOL_VERSION, Role, TaskState } from "@a2a-js/sdk";
import { duplicateInterfacesForLegacy } from "@a2a-js/sdk/compat/v0_3";
import { AgentEvent, DefaultRequestHandler, InMemoryTaskStore } from "@a2a-js/sdk/server";
import { jsonRpcHandler, UserBuilder } from "@a2a-js/sdk/server/express";
import express from "express";

const text = (value) => ({
  content: { $case: "text", value },
  metadata: undefined,
  filename: "",
  mediaType: "text/plain",
});

/** What was said in each task. */
const answers = new Map();

const executor = {
  async execute({ taskId, contextId, userMessage, task }, bus) {
    const prompt = userMessage.parts.find(({ content }) => content?.$case === "text").content.value;
    const say = (value) => ({
      role: Role.ROLE_AGENT,
      messageId: crypto.randomUUID(),
      parts: [text(value)],
      taskId,
      contextId,
      extensions: [],
      metadata: {},
      referenceTaskIds: [],
    });
    const timestamp = new Date().toISOString();
    const [, state, said] = /state (\w+)(?: saying (.*))?/.exec(prompt) ?? [];
    const [, question] = /ask (.*)/.exec(prompt) ?? [];
    if (task || question) {
      const known = task ?? { id: taskId, contextId, artifacts: [], history: [userMessage], metadata: {} };
      const status = { state: TaskState.TASK_STATE_WORKING, timestamp, message: undefined };
      bus.publish(AgentEvent.task({ ...known, status }));
      answers.set(taskId, [...(answers.get(taskId) ?? []), prompt]);
      const heard = answers.get(taskId).slice(1).join(", ");
      const artifact = {
        artifactId: "result",
        name: "result",
        description: "",
        parts: [text(question ? "so far; " : `heard ${heard} in ${taskId} of ${contextId}`)],
        extensions: [],
        metadata: {},
      };
      bus.publish(
        AgentEvent.artifactUpdate({
          taskId,
          contextId,
          append: Boolean(task),
          lastChunk: true,
          artifact,
          metadata: {},
        }),
      );
      const end = question
        ? { state: TaskState.TASK_STATE_INPUT_REQUIRED, timestamp, message: say(question) }
        : { state: TaskState.TASK_STATE_COMPLETED, timestamp, message: undefined };
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: end, metadata: {} }));
    } else if (state === "MESSAGE") bus.publish(AgentEvent.message(say("a direct answer")));
    else {
      const status = { state: TaskState.TASK_STATE_WORKING, timestamp, message: undefined };
      bus.publish(
        AgentEvent.task({ id: taskId, contextId, status, artifacts: [], history: [userMessage], metadata: {} }),
      );
      if (prompt.includes("throw")) throw new Error("the planner is gone");
      for (const [piece, append] of [
        ["Hello ", false],
        ["world", true],
      ])
        bus.publish(
          AgentEvent.artifactUpdate({
            taskId,
            contextId,
            append,
            lastChunk: append,
            artifact: {
              artifactId: "result",
              name: "result",
              description: "",
              parts: [text(piece)],
              extensions: [],
              metadata: {},
            },
            metadata: {},
          }),
        );
      const end = { state: TaskState[`TASK_STATE_${state ?? "COMPLETED"}`], timestamp, message: said && say(said) };
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: end, metadata: {} }));
    }
    bus.finished();
  },
  async cancelTask() {},
};

const port = Number(process.env.PORT);
const served = [
  { url: `http://127.0.0.1:${port}/`, protocolBinding: "JSONRPC", tenant: "", protocolVersion: A2A_PROTOCOL_VERSION },
];
const card = {
  name: "agent",
  description: "Answers",
  version: "1.0.0",
  supportedInterfaces: duplicateInterfacesForLegacy(served, ["JSONRPC"]),
  provider: { organization: "x", url: "https://example.com" },
  capabilities: { streaming: true, pushNotifications: false, extensions: [], extendedAgentCard: false },
  securitySchemes: {},
  securityRequirements: [],
  defaultInputModes: ["text/plain"],
  defaultOutputModes: ["text/plain"],
  skills: [],
  documentationUrl: "",
  iconUrl: "",
  signatures: [],
};
const requestHandler = new DefaultRequestHandler(card, new InMemoryTaskStore(), executor);
const app = express();
app.get("/ping", (_request, response) => response.json({ status: "Healthy" }));
app.use(express.json());
app.use(
  "/",
  jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication, legacyCompat: { enabled: true } }),
);
app.listen(port, "127.0.0.1");
