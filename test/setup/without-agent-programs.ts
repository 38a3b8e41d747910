import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { builtInFrameworks } from "../../lib/contract/frameworks.ts";

/**
 * Before all tests: no agent program is on their PATH, so that they see the same on every machine, and none ever runs by
 * chance. A test that wants one puts it there.
 */
export default function setUp(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-path-"));
  process.env.PATH = pathWithout(agentPrograms(), process.env.PATH ?? "", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}

const agentPrograms = (): string[] =>
  Object.values(builtInFrameworks).flatMap((framework) => ("program" in framework ? [framework.program] : []));

/** A PATH with everything but these programs: a folder that has one is replaced by one of links to all the others in it. */
export function pathWithout(programs: readonly string[], path: string, folder: string): string {
  return path
    .split(delimiter)
    .map((place, index) => {
      const names = namesIn(place);
      if (!names.some((name) => programs.includes(name))) return place;
      const others = join(folder, String(index));
      mkdirSync(others);
      for (const name of names) if (!programs.includes(name)) symlinkSync(join(place, name), join(others, name));
      return others;
    })
    .join(delimiter);
}

function namesIn(place: string): string[] {
  try {
    return readdirSync(place);
  } catch {
    return [];
  }
}
