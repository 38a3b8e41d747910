import { parseArgs } from "node:util";
import type { Target } from "../../lib/client/http/door.ts";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { type Budget, usualBudget } from "./plan.ts";

export type Options = {
  target: Target;
  budget: Budget;
  /** Where the figures are written. */
  report: string;
  /** Nothing is run: what runs have left is cleaned, that of one run if its mark is given. */
  clean: { mark?: string } | undefined;
};

export const usage = `npm run test:live -- --stack NAME [--region REGION] [--profile PROFILE]
  --endpoint URL      in place of --stack: the output Endpoint
  --max-minutes N     of sessions, in all (default ${usualBudget.minutes})
  --max-usd N         what those may cost if their machines are busy (default ${usualBudget.usd})
  --report FILE       default live-report.json
  --clean [MARK]      runs nothing: ends what runs, or the one with that mark, have left
${environmentVariables.liveStack}, ${environmentVariables.liveEndpoint} and AWS_REGION stand for the first three.`;

/** Throws an Error that says what is wrong with the words of the command. */
export function optionsOf(words: string[], env: NodeJS.ProcessEnv): Options {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      stack: { type: "string" },
      endpoint: { type: "string" },
      region: { type: "string" },
      profile: { type: "string" },
      "max-minutes": { type: "string" },
      "max-usd": { type: "string" },
      report: { type: "string" },
      clean: { type: "boolean" },
    },
  });
  const {
    stack = env[environmentVariables.liveStack],
    endpoint = env[environmentVariables.liveEndpoint],
    profile,
  } = values;
  const region = values.region ?? env.AWS_REGION;
  const where = { ...(region !== undefined && { region }), ...(profile !== undefined && { profile }) };
  const [mark, ...more] = positionals;
  if (more.length > 0 || (mark !== undefined && !values.clean))
    throw new Error(`${positionals.join(" ")}: not understood`);
  const isAddress = endpoint !== undefined && values.stack === undefined;
  if (!isAddress && stack === undefined)
    throw new Error("name the stack with --stack, or its endpoint with --endpoint");
  return {
    target: isAddress ? { endpoint, ...where } : { stack: String(stack), ...where },
    budget: {
      minutes: amount(values["max-minutes"], "--max-minutes", usualBudget.minutes),
      usd: amount(values["max-usd"], "--max-usd", usualBudget.usd),
    },
    report: values.report ?? "live-report.json",
    clean: values.clean ? { ...(mark !== undefined && { mark }) } : undefined,
  };
}

function amount(text: string | undefined, name: string, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!(value > 0)) throw new Error(`${name}: must be a number above 0`);
  return value;
}
