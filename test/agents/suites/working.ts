import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { scripted } from "../../emulators/models/script.ts";
import { openLab, read, succeeded } from "../lab.ts";
import type { RealProgram } from "../real-program.ts";

/** What a task brings home. */
export function working(program: RealProgram): void {
  test("a whole task: files changed, an artifact brought home, its outcome and its usage", async () => {
    const lab = await openLab(program);
    const prompt = scripted(
      "make two files",
      { run: "echo changed > made.txt && cat made.txt" },
      // Where, it knows from its prompt alone.
      { run: "echo brought home > {}/report.txt", reading: "Files that you leave in (\\S+)" },
      { say: "Both files are there.\n\nSTATUS: done", usage: { input: 300, output: 30 } },
    );
    const record = await lab.run(prompt);
    succeeded(record);
    expect(read(lab, "made.txt")).toBe("changed\n");
    const { result, artifacts } = await lab.result(record);
    expect(result).toMatchObject({ output: "Both files are there.", outcome: "done" });
    expect(result).toMatchObject({ usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) } });
    const report = (artifacts as Json[]).find(({ name }) => name === "report.txt");
    expect(readFileSync(new URL(String(report?.uri)), "utf8")).toBe("brought home\n");
    const types = (await lab.client.events(String(record.id))).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(["agent.tool_call", "agent.tool_result", "agent.message"]));
    const log = await lab.client.log(String(record.id));
    expect(log).toContain("Both files are there.");
    expect(log).toMatch(/→ .*made\.txt/);
  });

  test("JSON that fits a schema", async () => {
    const lab = await openLab(program);
    const value = { files: 2, names: ["a", "b"] };
    const jsonSchema = {
      type: "object",
      properties: { files: { type: "number" }, names: { type: "array", items: { type: "string" } } },
      required: ["files", "names"],
      additionalProperties: false,
    };
    const record = await lab.run(scripted("count the files", ...program.answering(value)), {
      runtime_tools: { ...program.permissive, jsonSchema },
    });
    succeeded(record);
    expect((await lab.result(record)).result).toMatchObject({ result: value });
  });

  test("a prompt of more than 1 MB", async () => {
    const lab = await openLab(program);
    const filler = "é€ — ".repeat(70_000);
    const record = await lab.run(scripted(`${filler}the end of it`, { say: "read\nSTATUS: done" }));
    succeeded(record);
    const asked = JSON.stringify(lab.model.requests.map(({ body }) => body));
    expect(Buffer.byteLength(asked)).toBeGreaterThan(1_000_000 / 2);
    expect(asked).toContain("the end of it");
  });

  test("an instruction that looks like an option is none", async () => {
    const lab = await openLab(program);
    const record = await lab.run(scripted("--help", { say: "as you say\nSTATUS: done" }));
    expect((await lab.result(record)).result).toMatchObject({ output: "as you say" });
  });

  const { denied } = program;
  if (!denied) return;
  test("a denied tool is no failure, and the answer says which setting allows it", async () => {
    const lab = await openLab(program);
    const runtimeTools = { ...program.permissive, ...denied.runtimeTools };
    const prompt = scripted("try it", denied.step, { say: "It was denied.\nSTATUS: partial: the tool" });
    const record = await lab.run(prompt, { runtime_tools: runtimeTools });
    succeeded(record);
    expect((await lab.result(record)).result).toMatchObject({
      output: "It was denied.",
      outcome: "partial",
      needs: "the tool",
      deniedTools: [denied.tool],
      hint: expect.stringMatching(/allowedTools|deniedTools|permissionMode/),
    });
  });
}
