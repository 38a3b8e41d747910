import type { Caller, TaskService } from "../../engine/service.ts";
import type { Feature } from "../feature.ts";
import { registerLegacy } from "./legacy.ts";
import { registerModern } from "./modern.ts";
import { TASKS_EXTENSION } from "./refusals.ts";

/** Tasks of MCP: an extension of 2026-07-28, and a part of 2025-11-25 with methods of its own. */
export const tasksFeature = (tasksOf: (caller: Caller) => TaskService): Feature => ({
  capabilities: ({ era }) =>
    era === "modern"
      ? { extensions: { [TASKS_EXTENSION]: {} } }
      : { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
  register: (server, scope) =>
    (scope.era === "modern" ? registerModern : registerLegacy)(server, scope, tasksOf(scope.caller)),
});
