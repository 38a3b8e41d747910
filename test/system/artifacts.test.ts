import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { startSystem, temporaryFolder } from "./system.ts";

type File = { name: string; uri: string };

describe.concurrent("an artifact of this machine", () => {
  const open = async (atEnd: (work: () => Promise<void> | void) => void, script: string) => {
    const folder = temporaryFolder(atEnd);
    const { client } = await startSystem(folder, { atEnd });
    const id = await client.command({ command: `cd "$AGENTDISPATCH_ARTIFACTS_DIR"; ${script}`, shell: true });
    const record = await client.ended(id);
    const result = () => client.must("get_task_result", { task_id: id }) as Promise<Json & { artifacts: File[] }>;
    return { folder, record, result };
  };

  it("is kept whatever bytes its name is made of", async ({ expect, onTestFinished: atEnd }) => {
    const script = `mkdir "$(printf 'd\\377')"; echo one > "$(printf 'd\\377/caf\\351.txt')"; echo two > 'd%FF-é.txt'`;
    const { record, result } = await open(atEnd, script);
    expect(record).toMatchObject({ status: "succeeded" });
    const { artifacts, lostArtifacts, artifactsLeftOut } = await result();
    expect([lostArtifacts, artifactsLeftOut]).toEqual([undefined, undefined]);
    const content = artifacts.map(({ name, uri }) => [name, readFileSync(fileURLToPath(uri), "utf8")]);
    expect(Object.fromEntries(content)).toEqual({ "d%FF/caf%E9.txt": "one\n", "d%FF-é.txt": "two\n" });
  });

  it("stays as it was when somebody edits what is shown of it", async ({ expect, onTestFinished: atEnd }) => {
    const { result } = await open(atEnd, "echo mine > a.txt");
    const uriOf = async () => (await result()).artifacts[0]?.uri ?? "";
    const before = await uriOf();
    writeFileSync(fileURLToPath(before), "edited");
    const after = await uriOf();
    expect(after).not.toBe(before);
    expect(readFileSync(fileURLToPath(after), "utf8")).toBe("mine\n");
  });

  it("that was deleted has no address, and the result says why", async ({ expect, onTestFinished: atEnd }) => {
    const { folder, result } = await open(atEnd, "echo gone > a.txt; echo here > b.txt");
    const content = join(folder, "artifacts", "content");
    for (const entry of readdirSync(content, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && readFileSync(path, "utf8") === "gone\n") rmSync(path);
    }
    expect(await result()).toMatchObject({
      artifacts: [{ name: "b.txt" }],
      lostArtifacts: [{ name: "a.txt", reason: "it was stored, and deleted since" }],
    });
  });
});
