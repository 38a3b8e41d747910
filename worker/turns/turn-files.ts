import { readFile } from "node:fs/promises";
import type { CollectedArtifacts } from "../artifacts/artifacts.ts";

/** A file that a turn left; without content where it is too long to be held. */
export type TurnFile = { name: string; contentType: string; sizeBytes: number; content?: Buffer };

/** Files travel inside an answer, so that there is an end to them. */
const MAX_FILES = 100;
const MAX_BYTES = 4 * 1024 * 1024;

/** Reads the files of a job, as many as an answer holds. */
export async function readTurnFiles(collected: CollectedArtifacts | undefined): Promise<TurnFile[]> {
  const files: TurnFile[] = [];
  let room = MAX_BYTES;
  const listed = collected?.artifacts.filter((artifact) => !artifact.private) ?? [];
  for (const { id, name, contentType, sizeBytes } of listed.slice(0, MAX_FILES)) {
    const path = collected?.files.get(id)?.path;
    const content = path === undefined || sizeBytes > room ? undefined : await readFile(path).catch(() => undefined);
    if (content) room -= content.length;
    files.push({ name, contentType, sizeBytes, ...(content && { content }) });
  }
  return files;
}
