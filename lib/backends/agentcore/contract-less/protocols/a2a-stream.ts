import { isObject, type JsonObject } from "../../../../contract/json.ts";

/** What a stream of A2A's updates has made of a task so far, as `tasks/get` would tell it; of one that is known, what follows. */
export class StreamedTask {
  #task: JsonObject | undefined;
  #message: JsonObject | undefined;
  #failure: JsonObject | undefined;

  constructor(known?: JsonObject) {
    this.#task = known;
  }

  /** Takes in one event. Returns the text in it that is new, with its line ended where nothing of it is to follow. */
  add(event: JsonObject): string {
    if (event.error !== undefined) this.#failure = event;
    const { result } = event;
    if (!isObject(result)) return "";
    if (result.kind === "message") this.#message = result;
    if (result.kind === "task") this.#task = { artifacts: [], ...result };
    if (result.kind === "status-update" && this.#task) this.#task = { ...this.#task, status: result.status };
    if (result.kind === "artifact-update" && this.#task) this.#add(result);
    const text = result.kind === "status-update" || result.kind === "artifact-update" ? textIn(result) : "";
    return text === "" || result.lastChunk === false ? text : `${text}\n`;
  }

  /** The answer that all of it amounts to; undefined when there was none. */
  get answer(): JsonObject | undefined {
    if (this.#failure) return this.#failure;
    const result = this.#message ?? this.#task;
    return result && { jsonrpc: "2.0", result };
  }

  #add({ artifact, append }: JsonObject): void {
    if (!isObject(artifact) || !this.#task) return;
    const known = listOf(this.#task.artifacts).filter(isObject);
    const at = known.findIndex(({ artifactId }) => artifactId === artifact.artifactId);
    const before = known[at];
    const parts = append && before ? [...listOf(before.parts), ...listOf(artifact.parts)] : listOf(artifact.parts);
    const next = { ...before, ...artifact, parts };
    this.#task = { ...this.#task, artifacts: at === -1 ? [...known, next] : known.with(at, next) };
  }
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

function textIn({ artifact, status }: JsonObject): string {
  const holder = isObject(artifact) ? artifact : isObject(status) ? status.message : undefined;
  if (!isObject(holder)) return "";
  return listOf(holder.parts)
    .flatMap((part) => (isObject(part) && typeof part.text === "string" ? part.text : []))
    .join("");
}
