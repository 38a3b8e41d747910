/** Finds the client by the name that the package exports it under, as it is written here. */
import { registerHooks } from "node:module";

const source = new URL("../../../lib/client/sdk/index.ts", import.meta.url).href;

registerHooks({
  resolve: (name, context, next) =>
    name === "agent-dispatch-aws/client" ? { url: source, shortCircuit: true } : next(name, context),
});
