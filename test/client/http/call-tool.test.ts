import { describe, expect, onTestFinished, test } from "vitest";
import { callTool } from "../../../lib/client/http/call-tool.ts";
import { type Cut, cuts, startCuttingProxy } from "../../emulators/cutting-proxy.ts";
import { command } from "../../mcp/clients.ts";
import { doorTo, envOf, gatewayBefore } from "./open.ts";

/** A door that leads through a network which does that to the first requests. */
async function throughCuts(plan: Cut[]) {
  const { gateway, ports } = await gatewayBefore();
  const proxy = await startCuttingProxy(gateway.url, { plan });
  onTestFinished(() => proxy.close());
  return { door: doorTo({ endpoint: proxy.url }, envOf(gateway.admit())), gateway, proxy, ports };
}

const idOf = (answer: { structuredContent?: unknown }) => (answer.structuredContent as { taskId: string }).taskId;

describe("a network that breaks", () => {
  test.each(cuts)("%s: a dispatch makes one task, and its answer comes", async (cut) => {
    const { door, proxy, ports } = await throughCuts([cut, cut]);
    const taskId = idOf(await callTool(door, "dispatch_task", command()));
    expect(ports.starts).toEqual([expect.stringContaining(taskId)]);
    expect((await ports.store.list("me", { limit: 10 })).items).toHaveLength(1);
    expect(proxy.happened[cut]).toBeGreaterThanOrEqual(cut === "none" || cut === "delay" ? 1 : 2);
  });

  test.each<Cut>(["cut-after", "502-after", "mid-stream"])(
    "%s: a call that may not be made twice is not, and says that it may have been carried out",
    async (cut) => {
      const { door, gateway } = await throughCuts([cut]);
      const error = callTool(door, "a2a_send", { task_id: `task_${"0".repeat(32)}`, text: "go on" });
      await expect(error).rejects.toMatchObject({ code: "endpoint.answer_lost", retryable: false });
      expect(gateway.passed()).toBe(1);
    },
  );

  test("a call that keeps failing ends with an error that says so", async () => {
    const { door } = await throughCuts(Array(50).fill("cut-before"));
    await expect(callTool(door, "list_tasks", {}, { patienceMs: 700 })).rejects.toMatchObject({
      code: "endpoint.unreachable",
      retryable: true,
      hint: expect.stringContaining("network"),
    });
  });
});
