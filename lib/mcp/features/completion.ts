import { type CompleteResult, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { Feature } from "../feature.ts";
import type { ServedPrompt } from "./prompts.ts";
import type { ServedResources } from "./resources.ts";

/** Most values in one answer: https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/completion */
const MAX_VALUES = 100;

/** `completion/complete`, for the arguments of prompts and the variables of templates. */
export function completionFeature(prompts: readonly ServedPrompt[], resources: readonly ServedResources[]): Feature {
  return {
    capabilities: () => ({ completions: {} }),
    register(server, scope) {
      server.setRequestHandler("completion/complete", async ({ params: { ref, argument } }) => {
        const { name, value } = argument;
        if (ref.type === "ref/prompt") {
          const prompt = prompts.find((one) => one.prompt.name === ref.name);
          if (!prompt) throw unknown("prompt", ref.name);
          return answer((await prompt.complete?.(scope, name, value)) ?? []);
        }
        const of = resources.find(({ templates }) => templates.some(({ uriTemplate }) => uriTemplate === ref.uri));
        if (!of) throw unknown("resource template", ref.uri);
        return answer((await of.complete?.(scope, ref.uri, name, value)) ?? []);
      });
    },
  };
}

function answer(values: readonly string[]): CompleteResult {
  const shown = values.slice(0, MAX_VALUES);
  return { completion: { values: shown, total: values.length, hasMore: shown.length < values.length } };
}

const unknown = (what: string, name: string): ProtocolError =>
  new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown ${what} ${JSON.stringify(name.slice(0, 200))}`);
