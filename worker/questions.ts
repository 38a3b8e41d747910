import { rmSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import type { JobFolder } from "./job-folder.ts";

/**
 * A job asks with a `task.input_required` event. Its stdin has ended by then, because programs that read it to the end
 * must work; so the answers appear as a file, named to the job by AGENTDISPATCH_INPUT_FILE, whole at once.
 */
export async function writeAnswers({ inputFile }: JobFolder, responses: Record<string, unknown>): Promise<void> {
  await writeFile(`${inputFile}.new`, `${JSON.stringify(responses)}\n`, { mode: 0o600 });
  await rename(`${inputFile}.new`, inputFile);
}

/** Removes the answers to an earlier question, so that they are not taken for those to a new one. */
export function forgetAnswers({ inputFile }: JobFolder): void {
  rmSync(inputFile, { force: true });
}
