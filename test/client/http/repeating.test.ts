import { expect, test } from "vitest";
import { repeatingTools } from "../../../lib/client/http/repeating.ts";
import { toolSchemas } from "../../../lib/contract/tools/index.ts";
import { agentTools, tools } from "../../../lib/mcp/tools/index.ts";

test("what may be called twice is what the tools say of themselves", () => {
  const said = [...tools, ...agentTools].map(({ name, annotations }) => {
    const takesKey = "idempotency_key" in toolSchemas[name].input.shape;
    const isFree = annotations.readOnlyHint || annotations.idempotentHint;
    return [name, takesKey ? "keyed" : isFree ? "freely" : "never"];
  });
  expect(repeatingTools).toEqual(Object.fromEntries(said));
});
