import type { Readable, Writable } from "node:stream";
import * as clack from "@clack/prompts";
import { defined } from "../../../contract/json.ts";
import { type Protocol, protocols } from "../../../contract/kinds.ts";
import type { Machine } from "../assistants/assistant.ts";
import { assistants } from "../assistants/index.ts";
import type { Connection } from "../assistants/server.ts";
import type { Io } from "../io.ts";
import { foundAssistants } from "./choose.ts";
import type { Described } from "./config-text.ts";

/** What a person answered. */
export type Answers = { described?: Described; connection: Connection; clients: string[]; writes: boolean };

/** The person has left, by Ctrl-C or Escape. */
export class Left extends Error {}

type Place = "local" | "aws" | "deployed";

/** Asks what a new setup needs, one question at a time. Throws Left. */
export async function askAll(io: Io, machine: Machine): Promise<Answers> {
  const streams = { input: io.stdin as Readable, output: io.stdout as unknown as Writable };
  const text = async (message: string, placeholder: string, isNeeded = false): Promise<string | undefined> => {
    const validate = (value: string | undefined) => (isNeeded && !value?.trim() ? "It is needed." : undefined);
    const said = given(await clack.text({ message, placeholder, validate, ...streams }));
    return said.trim() || undefined;
  };
  clack.intro("AgentDispatch", streams);
  const place = given(
    await clack.select<Place>({
      message: "Where do jobs run?",
      options: [
        { value: "local", label: "On this machine" },
        { value: "aws", label: "On Amazon Bedrock AgentCore, steered from this machine" },
        { value: "deployed", label: "In a deployment of AgentDispatch that runs already" },
      ],
      ...streams,
    }),
  );
  const described: Described = {};
  const connection: Connection = {};
  if (place === "aws") {
    Object.assign(
      described,
      defined({
        region: await text("In which region?", "us-west-2", true),
        runtimeArn: await text(
          "Which runtime? Its ARN, or nothing to name it with each job.",
          "arn:aws:bedrock-agentcore:…",
        ),
      }),
    );
    const options = protocols.map((value) => ({ value, label: value }));
    described.protocol = given(await clack.select<Protocol>({ message: "What does it speak?", options, ...streams }));
  }
  if (place === "deployed") {
    const stack = await text("The name of its stack, or the address of its endpoint.", "AgentDispatch", true);
    if (stack !== undefined) connection[/^https?:/.test(stack) ? "endpoint" : "stack"] = stack;
    const region = await text("In which region? Nothing takes that of your profile.", "us-west-2");
    if (region !== undefined) connection.region = region;
  }
  const found = foundAssistants(machine).map(({ name }) => name);
  const clients = given(
    await clack.multiselect({
      message: "Which assistants are to use it? Space chooses.",
      options: assistants.map(({ name, title }) => ({ value: name, label: title })),
      initialValues: found,
      required: false,
      ...streams,
    }),
  );
  return { described, connection, clients, writes: place !== "deployed" };
}

/** Asks whether to do what was shown. Throws Left. */
export async function confirm(io: Io, message: string): Promise<boolean> {
  const streams = { input: io.stdin as Readable, output: io.stdout as unknown as Writable };
  return given(await clack.confirm({ message, ...streams }));
}

function given<T>(answer: T): Exclude<T, symbol> {
  if (typeof answer === "symbol") throw new Left();
  return answer as Exclude<T, symbol>;
}
