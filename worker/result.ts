import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isObject } from "../lib/contract/json.ts";
import { previewValue } from "../lib/contract/preview.ts";
import { MAX_RESULT_BYTES } from "../lib/contract/worker.ts";
import type { JobFolder } from "./job-folder.ts";
import type { OutputLog } from "./output/output-log.ts";
import type { Outcome } from "./runner.ts";

const PREVIEW_LENGTH = 4000;

/** In the place of a result that became an artifact: the same fields, shortened, and marked. */
export type ResultPreview = Record<string, unknown> & { truncated: true; artifact?: string };

export const previewOf = (result: object, artifact?: string): ResultPreview => ({
  ...(previewValue(result, PREVIEW_LENGTH) as object),
  truncated: true,
  ...(artifact !== undefined && { artifact }),
});

/** Moves a result that is too long for a reply into the artifacts, and leaves a preview in its place. */
export async function shrinkResult(outcome: Outcome, folder: JobFolder, log: OutputLog): Promise<Outcome> {
  if (outcome.result === undefined) return outcome;
  const json = JSON.stringify(outcome.result);
  if (Buffer.byteLength(json) <= MAX_RESULT_BYTES) return outcome;
  const text = plainText(outcome.result);
  const artifact = await keep(folder, text === undefined ? "result.json" : "result.txt", text ?? json, log);
  const fields = typeof outcome.result === "object" ? outcome.result : { result: outcome.result };
  return { ...outcome, result: previewOf(fields ?? {}, artifact) };
}

/** The text of an answer, where all else in it is short: whoever opens the file wants to read it. */
function plainText(result: unknown): string | undefined {
  if (!isObject(result) || typeof result.output !== "string") return undefined;
  const { output, ...others } = result;
  return JSON.stringify(others).length <= PREVIEW_LENGTH / 2 ? output : undefined;
}

/** The job may have left a file of that name itself; it keeps it. */
async function keep(folder: JobFolder, name: string, text: string, log: OutputLog): Promise<string | undefined> {
  let reason: unknown;
  for (const candidate of [name, `output/${name}`]) {
    try {
      const path = join(folder.artifacts, candidate);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { flag: "wx" });
      return candidate;
    } catch (error) {
      reason = error instanceof Error && "code" in error ? error.code : error;
    }
  }
  log.note(`the result is too long for a reply and could not be kept as a file: ${reason}`);
  return undefined;
}
