import type { AdapterRegistration } from "../../../lib/backends/adapter.ts";
import type { Check } from "../../../lib/contract/tools/check-cloud-agent-runtime.ts";
import { inProcessBackend } from "../../fixtures/in-process-backend.ts";
import { memory } from "./description.ts";

/** An adapter that this project does not know: nothing outside of this folder does. */
export function openMemory() {
  const backend = inProcessBackend({ now: Date.now, durationMs: () => 0 });
  return Object.assign(backend, memory, {
    frameworks: () => ["echo"],
    check: async ({ target }: { target: { details?: Record<string, unknown> } }): Promise<Check[]> => [
      { name: "shelf", status: "pass", message: `shelf ${target.details?.shelf} has room` },
    ],
  });
}

export const registration: AdapterRegistration = { description: memory, open: openMemory };
