import { route } from "../../lib/config/routing.ts";
import type { Json } from "../../lib/contract/task.ts";
import type { Plan } from "../../lib/engine/plan.ts";
import type { Ports } from "../../lib/engine/ports.ts";

/** A dispatch of a command, as the configuration of the ports routes it. */
export function plan(ports: Ports, more: Partial<Plan> = {}, metadata?: Json): Plan {
  const request = { taskType: "command.run", provider: "local", accountProfile: "local", mode: "session", metadata };
  const input = { command: "true" };
  const to = route(ports.configuration(), ports.backends, request);
  return { route: to, input, envField: "environment_variables", call: { input }, ...more };
}
