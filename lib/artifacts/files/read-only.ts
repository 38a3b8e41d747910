import { createHash } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { checkedContent, checkedTaskId } from "../content.ts";
import type { ReadableArtifacts } from "../port.ts";
import { findContent } from "./artifact-names.ts";
import { ContentStore } from "./content-store.ts";

/** The artifacts in a folder for reads alone: nothing in it is made or changed. What is put is held here, as its address. */
export function readArtifacts(folder: string): ReadableArtifacts {
  const store = new ContentStore(folder);
  const held = new Map<string, string>();
  return {
    async put(_taskId, _name, content, contentType) {
      const sha256 = createHash("sha256").update(content).digest("hex");
      const uri = `data:${contentType};base64,${Buffer.from(content).toString("base64")}`;
      held.set(sha256, uri);
      return { uri, sha256, sizeBytes: content.byteLength };
    },

    get: async ({ sha256, sizeBytes }) => store.read(checkedContent({ sha256, sizeBytes })),

    async uriOf(taskId, artifact) {
      const uri = held.get(artifact.sha256);
      if (uri !== undefined) return uri;
      const named = join(folder, "tasks", checkedTaskId(taskId));
      return pathToFileURL(await findContent(store, named, artifact.name, checkedContent(artifact))).href;
    },
  };
}
