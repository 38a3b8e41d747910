import { type Problem, problem } from "../errors.ts";
import { previewText } from "../preview.ts";

/** Of a question in the error that says that nobody answered it, in UTF-16 units. */
const MAX_QUESTION = 1000;

/** Why a job ended whose question nobody answered in the time that its limits give. */
export const unansweredProblem = (question: string, seconds: number): Problem =>
  problem("task.input_timeout", `nobody answered within ${seconds} s: ${previewText(question, MAX_QUESTION)}`, {
    hint: 'limits.answerSeconds of the runtime profile gives more time; with limits.unanswered "default" the question\'s defaults stand',
  });
