import type { ReadableArtifacts } from "../artifacts/port.ts";
import { RefusedError } from "../contract/errors.ts";
import { previewValue } from "../contract/preview.ts";
import type { Json, ValueRef } from "../contract/task.ts";
import type { Ports } from "./ports.ts";

/** A value whose JSON is longer (bytes of UTF-8) is kept among the artifacts instead of in the task. */
const LARGE_VALUE_BYTES = 100 * 1024;
/** What stays in the task of an object that is kept elsewhere, in characters of JSON. */
const PREVIEW_LENGTH = 16_000;

type Kept<Name extends string, Value = unknown> = { [key in Name]?: Value } & { [key in `${Name}Ref`]?: ValueRef };

/** Keeps a value under `name` in the task, or, when it is large, among the artifacts with its reference under `<name>Ref`. */
export async function keepLargeValue<Name extends "input" | "result">(
  ports: Pick<Ports, "artifacts">,
  taskId: string,
  name: Name,
  value: unknown,
  maxBytes = LARGE_VALUE_BYTES,
): Promise<Kept<Name>> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  if (bytes.length <= maxBytes) return { [name]: value } as Kept<Name>;
  const ref = await ports.artifacts.put(taskId, `${name}.json`, bytes, "application/json");
  return { [`${name}Ref`]: ref } as Kept<Name>;
}

/** What stays in the task of an object that is kept elsewhere. */
export const storedPreview = (value: Json, length = PREVIEW_LENGTH): Json => previewValue(value, length) as Json;

/** As `keepLargeValue`, for an object; of one that is kept elsewhere a preview stays. */
export async function keepLargeFields<Name extends "input">(
  ports: Pick<Ports, "artifacts">,
  taskId: string,
  name: Name,
  value: Json,
  { maxBytes, previewLength }: { maxBytes?: number | undefined; previewLength?: number | undefined } = {},
): Promise<{ [key in Name]: Json } & { [key in `${Name}Ref`]?: ValueRef }> {
  const kept = await keepLargeValue(ports, taskId, name, value, maxBytes);
  return { ...kept, [name]: kept[`${name}Ref`] ? storedPreview(value, previewLength) : value } as Awaited<
    ReturnType<typeof keepLargeFields<Name>>
  >;
}

/** Reads a value that `keepLargeValue` put away. Throws RefusedError `artifact.corrupt` or `artifact.not_found`. */
export async function readLargeValue(
  ports: { artifacts: Pick<ReadableArtifacts, "get"> },
  ref: ValueRef,
): Promise<unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(await ports.artifacts.get(ref)));
  } catch (error) {
    if (error instanceof SyntaxError) throw new RefusedError("artifact.corrupt", `the value at ${ref.uri} is not JSON`);
    throw error;
  }
}
