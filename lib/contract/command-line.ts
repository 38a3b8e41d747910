/** As a shell reads it: an escaped character, a lone `$`, `$"…"` or `"…"`, `$'…'`, `'…'`, or any other character. */
const CLOSED = /^(?:[^\\'"$]|\\[\s\S]|\$(?!['"])|\$?"(?:[^"\\]|\\[\s\S])*"|\$'(?:[^'\\]|\\[\s\S])*'|'[^']*')*$/;

/** Whether every quote in a command is closed, and no backslash ends it: only then it has words. */
export const areQuotesClosed = (command: string): boolean => CLOSED.test(command);

/**
 * Whether a path leads out of the workspace by its text alone; links may still lead out of it. Without a workspace it is a
 * folder whose path nobody knows before the job runs.
 */
export function leavesWorkspace(workspace: string | undefined, cwd: string): boolean {
  if (!cwd.startsWith("/")) return segmentsOf(cwd)[0] === "..";
  if (workspace === undefined) return true;
  const path = segmentsOf(cwd);
  return !segmentsOf(workspace).every((segment, at) => path[at] === segment);
}

/** The segments of a path without `.`, and without `..` except where they lead out at its beginning. */
function segmentsOf(path: string): string[] {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") kept.push(segment);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!path.startsWith("/")) kept.push(segment);
  }
  return kept;
}
