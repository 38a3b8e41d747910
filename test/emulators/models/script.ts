import * as z from "zod";

const usage = z.object({ input: z.number(), output: z.number(), cached: z.number().optional() });

/**
 * One answer of a model. `run` is a shell command by whatever tool the program has for that; of a pattern `reading`, the first
 * group that it finds in the prompt stands where the command says `{}`.
 */
const stepSchema = z.union([
  /** Of `reason`, why the model stopped as Bedrock names it, other providers know nothing. */
  z.strictObject({ say: z.string(), usage: usage.optional(), reason: z.string().optional() }),
  z.strictObject({ run: z.string(), reading: z.string().optional(), usage: usage.optional() }),
  /** Of a pattern `reading`, what it matches last in all that the model was told stands where the input says `{}`. */
  z.strictObject({
    tool: z.string(),
    input: z.record(z.string(), z.unknown()),
    reading: z.string().optional(),
    usage: usage.optional(),
  }),
  /** An HTTP status with a message, as the provider words it. */
  z.strictObject({ fail: z.number().int(), message: z.string().optional() }),
  /** There is no model of the name that was asked for. */
  z.strictObject({ noModel: z.literal(true) }),
  /** The limit of the account is reached; `resetsAt` is in seconds since 1970. */
  z.strictObject({ limit: z.strictObject({ resetsAt: z.number() }) }),
  /** The request is held until whoever asked goes away. */
  z.strictObject({ hang: z.literal(true) }),
]);
export type Step = z.infer<typeof stepSchema>;
export type Answer = Extract<Step, { say: string } | { run: string } | { tool: string }>;

/** A prompt that carries what the model is to answer, one step for each time that it is asked. */
export const scripted = (text: string, ...steps: readonly Step[]): string =>
  `${text}\n<script>${JSON.stringify(steps)}</script>`;

/** What one entry of a conversation says, as far as it decides which step is next. */
export type Turn = { by: "user" | "model"; text: string };

/** The step that the last script in a conversation has next: as many are over as the model has answered since. */
export function nextStep(turns: readonly Turn[]): Step {
  const last = turns.findLastIndex(({ by, text }) => by === "user" && text.includes("<script>"));
  const [, json] = /<script>(.*)<\/script>/s.exec(turns[last]?.text ?? "") ?? [];
  if (json === undefined) return { say: "ok" };
  const answered = turns.slice(last + 1).filter(({ by }) => by === "model").length;
  const step = stepSchema.array().parse(JSON.parse(json))[answered] ?? { say: "ok" };
  if (!("run" in step) || step.reading === undefined) return step;
  const prompt = turns[last]?.text.replace(/<script>.*<\/script>/s, "") ?? "";
  const [, found = "not-in-the-prompt"] = new RegExp(step.reading).exec(prompt) ?? [];
  return { ...step, run: step.run.replaceAll("{}", found) };
}

/** The step as it is in that conversation: what it reads there stands in its input. */
export function readIn(step: Step, conversation: unknown): Step {
  if (!("tool" in step) || step.reading === undefined) return step;
  const found = JSON.stringify(conversation).match(new RegExp(step.reading, "g"))?.at(-1) ?? "not-in-the-conversation";
  return { ...step, input: JSON.parse(JSON.stringify(step.input).replaceAll("{}", found)) };
}

/** The name of a tool as a program offers it, which puts that of its server before it. */
export const offeredAs = (tool: string, offered: readonly string[]): string =>
  offered.find((name) => name === tool) ?? offered.find((name) => name.endsWith(`_${tool}`)) ?? tool;

/** The tokens of an answer. */
export const tokensOf = ({ usage: tokens }: Answer) => ({ input: 100, output: 20, cached: 0, ...tokens });
