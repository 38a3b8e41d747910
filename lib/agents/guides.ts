import type { InspectedAgent } from "../contract/tools/agents.ts";
import { openProject } from "./project-folder.ts";

/** The files that guide an agent, and how much of each is shown at most. */
const guides = ["CLAUDE.md", "AGENTS.md", "GEMINI.md", "README.md"];
const MAX_BYTES = 8 * 1024;

/** The first lines of the files that guide whoever works in a project. */
export async function readGuides(path: string, lineCount: number): Promise<InspectedAgent["files"]> {
  if (lineCount === 0) return [];
  const folder = await openProject(path);
  const files: InspectedAgent["files"] = [];
  for (const name of guides) {
    const file = await folder.read(name, MAX_BYTES);
    if (!file) continue;
    const lines = file.text.split("\n");
    const isWhole = file.isWhole && lines.length <= lineCount;
    files.push({ name, preview: lines.slice(0, lineCount).join("\n"), isWhole });
  }
  return files;
}
