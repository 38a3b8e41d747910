import { InvalidInputError } from "../../contract/errors.ts";
import { assertSchema } from "../../contract/replies/json-answer.ts";
import type { Task } from "../../contract/task.ts";
import type { SpawnCall } from "../../contract/tools/spawn-cloud-agent.ts";

/** Characters of a summary whose length nobody says. */
const USUAL_SUMMARY = 1000;

type Call = Pick<SpawnCall, "return_ref" | "summary_chars" | "response_format">;

/**
 * How the answer of a task is wanted. Throws InvalidInputError for a schema that nothing can be checked by, and for JSON from
 * a program, whose output is its log.
 */
export function answerWanted(
  { return_ref, summary_chars, response_format }: Call,
  taskType: string,
): Pick<Task, "summaryChars" | "responseFormat"> {
  const summaryChars = return_ref === false ? undefined : (summary_chars ?? (return_ref ? USUAL_SUMMARY : undefined));
  const { schema } = typeof response_format === "object" ? response_format : {};
  if (response_format !== undefined && taskType !== "agent.run")
    throw new InvalidInputError([
      { path: "response_format", message: "is for agents: what a program prints is its log" },
    ]);
  if (schema) assertSchema(schema, "response_format.schema");
  return {
    ...(summaryChars !== undefined && { summaryChars }),
    ...(response_format !== undefined && { responseFormat: schema ? { schema } : {} }),
  };
}
