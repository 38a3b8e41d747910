import type { Check } from "../../contract/tools/check-cloud-agent-runtime.ts";
import type { FrameworkState } from "../../contract/tools/framework-state.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import type { Io } from "./io.ts";
import { oneLine, paint, table } from "./print.ts";
import type { Place } from "./systems/place.ts";
import { hintInTerms } from "./terms.ts";

export type Capability = ToolResult<"list_capabilities">["items"][number];

/** What was checked of a runtime profile, under a line that says whether it can run. */
export function checkText(io: Io, reply: ToolResult<"check_cloud_agent_runtime">, place: Place): string {
  const what = oneLine(reply.runtime ?? "the default runtime");
  return `${paint(io.stdout, "bold", `${what} ${reply.ok ? "can run" : "cannot run"}`)}\n${checksText(io, reply.checks, place)}`;
}

/** Checks, one in a line. */
export const checksText = (io: Io, checks: readonly Check[], place: Place): string =>
  table(
    checks.map(({ name, status, message }) => [
      sign(io, status),
      oneLine(name.replaceAll("_", " ")),
      oneLine(hintInTerms(message, place), 2000),
    ]),
  );

/** How something stands; `none` for what is not there and need not be. */
export function sign(io: Io, status: Check["status"] | "none"): string {
  if (status === "none") return paint(io.stdout, "dim", "-");
  if (status === "pass") return paint(io.stdout, "green", "✔");
  return status === "warn" ? paint(io.stdout, "yellow", "!") : paint(io.stdout, "red", "✖");
}

/** The agent frameworks of an adapter as a table under a heading; nothing where they are not known. */
export function frameworksText(io: Io, { adapter, frameworks = [], defaultFramework }: Capability): string {
  if (frameworks.length === 0) return "";
  const rows = frameworks.map(({ name, status, message, hint }) => [
    sign(io, signs[status]),
    oneLine(name),
    oneLine([message, hint].filter((text) => text !== undefined).join("; "), 2000),
    name === defaultFramework ? "← used unless another is named" : "",
  ]);
  return `\n${paint(io.stdout, "bold", `agent frameworks of ${oneLine(adapter)}`)}\n${table(rows)}`;
}

const signs = {
  ready: "pass",
  unsure: "warn",
  not_logged_in: "fail",
  outdated: "fail",
  not_installed: "none",
} as const satisfies Record<FrameworkState["status"], Parameters<typeof sign>[1]>;
