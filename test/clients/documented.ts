import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The block of code that docs/CLIENTS.md has below that heading. */
export function documented(heading: string): string {
  const page = readFileSync(join(import.meta.dirname, "../../docs/CLIENTS.md"), "utf8");
  const code = page.split(`### ${heading}\n`)[1]?.match(/```\w+\n([\s\S]*?)```/)?.[1];
  if (!code) throw new Error(`docs/CLIENTS.md has no code below ${heading}`);
  return code;
}
