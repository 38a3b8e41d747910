import type { JobFile } from "../../../adapter.ts";

type Part = { text?: string | undefined; data?: unknown; file?: unknown };
type Artifact = { name?: string | undefined; artifactId?: string | undefined; parts: readonly Part[] };

const MAX_FILES = 100;
const MAX_BYTES = 8 * 1024 * 1024;

/** The artifacts of an agent as files, as many as an answer may bring; a file that only has an address is not fetched. */
export function filesIn(artifacts: readonly Artifact[]): { files: JobFile[]; leftOut: number } {
  const all = artifacts.flatMap(filesOf);
  const files: JobFile[] = [];
  let room = MAX_BYTES;
  for (const [index, file] of all.entries()) {
    if (files.length >= MAX_FILES || file.content.length > room) continue;
    room -= file.content.length;
    const isTaken = files.some(({ name }) => name === file.name) || file.name === "answer.json";
    files.push(isTaken ? { ...file, name: `${index + 1}-${file.name}` } : file);
  }
  return { files, leftOut: all.length - files.length };
}

function filesOf({ name, artifactId, parts }: Artifact): JobFile[] {
  const named = nameOf(name ?? artifactId ?? "artifact");
  const text = parts.flatMap((part) => part.text ?? []).join("");
  const whole = text === "" ? [] : [fileOf(withEnd(named, ".txt"), "text/plain; charset=utf-8", Buffer.from(text))];
  const others = parts.flatMap(({ data, file }) => {
    if (data !== undefined && data !== null)
      return fileOf(withEnd(named, ".json"), "application/json", Buffer.from(JSON.stringify(data)));
    return isFile(file)
      ? fileOf(nameOf(file.name ?? named), file.mimeType ?? BINARY, Buffer.from(file.bytes, "base64"))
      : [];
  });
  return [...whole, ...others];
}

const BINARY = "application/octet-stream";

const isFile = (file: unknown): file is { bytes: string; name?: string; mimeType?: string } =>
  typeof file === "object" && file !== null && "bytes" in file && typeof file.bytes === "string";

const fileOf = (name: string, contentType: string, content: Uint8Array): JobFile => ({
  name,
  contentType: contentType.slice(0, 200),
  content,
});

const withEnd = (name: string, end: string): string => (/\.[a-z0-9]{1,8}$/i.test(name) ? name : `${name}${end}`);

/** The last part of a name, of which nothing leads elsewhere. */
const nameOf = (name: string): string =>
  name
    .split(/[/\\]/)
    .at(-1)
    ?.replaceAll(/[^\w. -]/g, "_")
    .replace(/^\.+/, "")
    .slice(0, 200) || "artifact";
