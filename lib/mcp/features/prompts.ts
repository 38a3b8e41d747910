import {
  type GetPromptResult,
  type InputRequiredResult,
  type Prompt,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Feature, Scope } from "../feature.ts";

type Answer = GetPromptResult | InputRequiredResult;

/** A prompt as an endpoint serves it. */
export type ServedPrompt = {
  /** As it stands in the list. */
  prompt: Prompt;
  get(scope: Scope, given: Readonly<Record<string, string>>, context: ServerContext): Answer | Promise<Answer>;
  /** Values that an argument may have which begin with what is there of it. */
  complete?(scope: Scope, argument: string, value: string): string[] | Promise<string[]>;
};

/** `prompts/list` and `prompts/get`. */
export function promptsFeature(served: readonly ServedPrompt[]): Feature {
  const byName = new Map(served.map((one) => [one.prompt.name, one]));
  return {
    capabilities: () => ({ prompts: { listChanged: false } }),
    register(server, scope) {
      server.setRequestHandler("prompts/list", () => ({ prompts: served.map(({ prompt }) => prompt) }));
      server.setRequestHandler("prompts/get", ({ params }, context) => {
        const one = byName.get(params.name);
        const given = params.arguments ?? {};
        if (!one) {
          const name = JSON.stringify(params.name.slice(0, 100));
          throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt ${name}; prompts/list names them`);
        }
        const missing = (one.prompt.arguments ?? []).filter(({ name, required }) => required && !(given[name] ?? ""));
        if (missing.length > 0) {
          const names = missing.map(({ name }) => name).join(", ");
          throw new ProtocolError(ProtocolErrorCode.InvalidParams, `The prompt ${params.name} needs ${names}`);
        }
        return one.get(scope, given, context);
      });
    },
  };
}
