/** Groups of agents: what their members are told, through the tools of a whole system on this machine. */
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { startLocal } from "../../lib/system/local.ts";
import { connect, problemOf } from "../mcp/clients.ts";
import { systemClient, temporaryFolder } from "./system.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };

/** A system whose configuration is `file`, with the agents `api` and `web`, which answer with their prompt. */
async function open(more: Json = {}) {
  const root = realpathSync(temporaryFolder());
  const configFile = join(root, "agents.json");
  writeFileSync(configFile, JSON.stringify({ accounts: { local: { provider: "local" } }, ...more }));
  const system = await startLocal({ stateDir: join(root, "state"), configFile, prewarm: false, log });
  onTestFinished(() => system.close());
  const client = await connect(system.url, "2026-07-28", system.token);
  const local = systemClient(client);
  for (const name of ["api", "web"]) {
    mkdirSync(join(root, name));
    await local.must("add_agent", { name, workspace: join(root, name), framework: "echo", description: `The ${name}` });
  }
  return {
    root,
    ...local,
    /** The prompt that an agent was given. */
    async told(call: Json): Promise<string> {
      const { taskId } = await local.must("spawn_cloud_agent", { instruction: "Which queue?", ...call });
      return String(((await local.ended(String(taskId))).result as Json).output);
    },
    refusal: async (tool: string, args: Json) => problemOf(await client.call(tool, args)),
    written: () => (JSON.parse(readFileSync(configFile, "utf8")) as Json).groups,
    rewrite: (edit: (file: Json) => Json) =>
      writeFileSync(configFile, JSON.stringify(edit(JSON.parse(readFileSync(configFile, "utf8"))))),
  };
}

const shop = {
  name: "shop",
  description: "Ask api first.",
  shared_context: "Stack shop-prod\nin eu-west-1",
  members: [{ agent: "api", use_for: "orders" }],
};

test("a member is told what its group shares, beside the context of its task, and never the brief", async () => {
  const { must, told, root } = await open();
  const api = { agent: "api", use_for: "orders", directory: join(root, "api"), description: "The api", healthy: true };
  const { file: _, ...added } = await must("add_group", shop);
  expect(added).toEqual({ ...shop, member_count: 1, members: [api] });
  const prompt = await told({ runtime: "api", group: "shop", context: { shelf: "3" } });
  expect(prompt).toContain("- Shared context (group shop):\n  Stack shop-prod\n  in eu-west-1\n- shelf: 3");
  expect(prompt).not.toContain("Ask api first");
  expect(await told({ runtime: "api" })).not.toContain("shop-prod");
});

test("only members work for a group", async () => {
  const { must, refusal } = await open();
  await must("add_group", shop);
  const call = { instruction: "x", runtime: "web", group: "shop" };
  expect(await refusal("spawn_cloud_agent", call)).toMatchObject({
    code: "input.invalid",
    message: "group: web is no member of shop",
    hint: "its members are: api",
  });
  expect(await refusal("spawn_cloud_agent", { ...call, group: "shops" })).toMatchObject({
    code: "group.not_found",
    hint: "there are: shop",
  });
  expect(await refusal("add_group", { name: "x", members: [{ agent: "nobody" }] })).toMatchObject({
    code: "input.invalid",
    message: expect.stringContaining("nobody"),
  });
  expect(await refusal("add_group", shop)).toMatchObject({ message: expect.stringContaining("already") });
  expect(await refusal("inspect_group", { name: "constructor" })).toMatchObject({ code: "group.not_found" });
});

test("a group is changed and removed in the configuration file", async () => {
  const { must, written, refusal } = await open();
  expect(await must("add_group", { ...shop, dry_run: true })).toMatchObject({ dryRun: true });
  expect(written()).toBeUndefined();
  await must("add_group", shop);
  const members = [
    { agent: "api", use_for: "orders" },
    { agent: "web", use_for: "pages" },
  ];
  const changed = { name: "shop", description: "", add_members: [{ agent: "web", use_for: "pages" }] };
  expect(await must("update_group", changed)).toMatchObject({ description: "", members });
  expect(written()).toEqual({
    shop: {
      sharedContext: shop.shared_context,
      members: [
        { agent: "api", useFor: "orders" },
        { agent: "web", useFor: "pages" },
      ],
    },
  });
  expect(await must("update_group", { name: "shop", remove_members: ["api"] })).toMatchObject({ member_count: 1 });
  expect(await refusal("update_group", { name: "shop", remove_members: ["api"] })).toMatchObject({
    message: expect.stringContaining("no members: api"),
  });
  await must("remove_group", { name: "shop" });
  expect(written()).toEqual({});
  expect(await must("list_groups", {})).toEqual({ items: [] });
});

test("a member that is no agent any more is shown as such, and keeps nothing else from working", async () => {
  const { must, told, rewrite } = await open();
  await must("add_group", { ...shop, members: [{ agent: "api" }, { agent: "web" }] });
  await must("remove_agent", { name: "web" });
  const members = [
    { agent: "api", healthy: true },
    { agent: "web", unknown: true },
  ];
  expect(await must("list_groups", {})).toEqual({
    items: [{ name: "shop", description: "Ask api first.", shared_context_present: true, member_count: 2, members }],
  });
  expect(await told({ runtime: "api", group: "shop" })).toContain("shop-prod");
  rewrite((file) => ({
    ...file,
    groups: { ...(file.groups as Json), bad: { members: [{ agent: "a" }, { agent: "a" }] } },
  }));
  // The last good one stays in force.
  expect(await must("list_groups", {})).toMatchObject({ items: [{ name: "shop" }] });
});
