import * as z from "zod";
import type { InputResponse, Question } from "../../../../lib/contract/input-requests.ts";
import type { JsonObject } from "../../../../lib/contract/json.ts";
import { previewText, previewValue } from "../../../../lib/contract/preview.ts";
import { LiveInput } from "../../../processes/live-input.ts";
import type { AskedOf, Dialogue } from "../program.ts";

/**
 * What Claude Code asks while it works, over its standard streams: whether it may use a tool, and what its tool
 * AskUserQuestion wants to know. Each is a question of the task; messages that steer it go the same way.
 * https://code.claude.com/docs/en/agent-sdk/user-input
 */
const asking = z.object({
  request_id: z.string(),
  request: z.object({
    subtype: z.literal("can_use_tool"),
    tool_name: z.string(),
    input: z.record(z.string(), z.unknown()).catch({}),
  }),
});
const takingBack = z.object({ request_id: z.string() });

const choice = z.object({ label: z.string(), description: z.string().catch("") });
const clarifying = z.object({
  questions: z
    .array(
      z.object({
        question: z.string(),
        header: z.string().catch(""),
        options: z.array(choice).min(1),
        multiSelect: z.boolean().catch(false),
      }),
    )
    .min(1)
    .max(10),
});
type Clarification = z.infer<typeof clarifying>["questions"];

/** Of an argument of a tool in a question, in UTF-16 units. */
const MAX_ARGUMENT = 1500;

export class ClaudeDialogue implements Dialogue {
  readonly input = new LiveInput();
  readonly #ask: AskedOf;
  readonly #open = new Map<string, AbortController>();

  constructor(prompt: string, ask: AskedOf) {
    this.#ask = ask;
    this.say(prompt);
  }

  say(text: string): boolean {
    return this.input.write({ type: "user", message: { role: "user", content: text } });
  }

  line(value: JsonObject): void {
    // Its turn is over; what was written until now it still hears.
    if (value.type === "result") this.input.end();
    if (value.type === "control_cancel_request") {
      const { data } = takingBack.safeParse(value);
      this.#open.get(data?.request_id ?? "")?.abort();
    }
    if (value.type !== "control_request") return;
    const { success, data } = asking.safeParse(value);
    if (success) void this.#answer(data);
    else this.#refuse(takingBack.safeParse(value).data?.request_id);
  }

  async #answer({ request_id: id, request }: z.infer<typeof asking>): Promise<void> {
    const taken = new AbortController();
    this.#open.set(id, taken);
    try {
      const response = await this.#decide(request, taken.signal);
      if (response) this.#reply({ subtype: "success", request_id: id, response });
    } finally {
      this.#open.delete(id);
    }
  }

  /** What it is answered; undefined where it does not wait any more. */
  async #decide(
    { tool_name: tool, input }: z.infer<typeof asking>["request"],
    signal: AbortSignal,
  ): Promise<JsonObject | undefined> {
    const clarification = tool === "AskUserQuestion" ? clarifying.safeParse(input).data?.questions : undefined;
    const [key, question] = clarification ? ["question", clarify(clarification)] : ["permission", permit(tool, input)];
    const response = await this.#ask(key, question, { otherwise: { action: "decline" }, signal });
    if (!response) return undefined;
    if (clarification && response.action === "accept")
      return { behavior: "allow", updatedInput: { ...input, answers: answersTo(clarification, response) } };
    if (response.content?.permission === "allow") return { behavior: "allow", updatedInput: input };
    const message = clarification ? "The user does not want to answer that." : `The user does not allow ${tool} here.`;
    return { behavior: "deny", message };
  }

  #refuse(id: string | undefined): void {
    if (id !== undefined) this.#reply({ subtype: "error", request_id: id, error: "not supported" });
  }

  #reply(response: JsonObject): void {
    this.input.write({ type: "control_response", response });
  }
}

type Params = Question["params"];

function permit(tool: string, input: JsonObject): Params {
  const permission = { type: "string" as const, enum: ["allow", "deny"], default: "deny" };
  const shown = previewText(JSON.stringify(previewValue(input, MAX_ARGUMENT)), MAX_ARGUMENT);
  return {
    mode: "form",
    message: `May claude use ${tool} with ${shown}?`,
    requestedSchema: { type: "object", properties: { permission }, required: ["permission"] },
  };
}

const fieldOf = ({ header }: Clarification[number], index: number, all: Clarification): string =>
  header === "" || all.filter((other) => other.header === header).length > 1 ? `question ${index + 1}` : header;

function clarify(questions: Clarification): Params {
  const fields = questions.map((each, index): [string, Params["requestedSchema"]["properties"][string]] => {
    const choices = each.options.map(({ label }) => label);
    const asked = { title: each.question };
    return [
      fieldOf(each, index, questions),
      each.multiSelect
        ? { type: "array", ...asked, items: { type: "string", enum: choices } }
        : { type: "string", ...asked, enum: choices },
    ];
  });
  const texts = questions.map(({ question, options }) => {
    const lines = options.map(({ label, description }) => `- ${label}${description && `: ${description}`}`);
    return [question, ...lines].join("\n");
  });
  return {
    mode: "form",
    message: texts.join("\n"),
    requestedSchema: { type: "object", properties: Object.fromEntries(fields), required: fields.map(([name]) => name) },
  };
}

const answersTo = (questions: Clarification, { content = {} }: InputResponse): Record<string, string> =>
  Object.fromEntries(
    questions.map((each, index) => [
      each.question,
      [content[fieldOf(each, index, questions)] ?? content.answer ?? ""].flat().join(", "),
    ]),
  );
