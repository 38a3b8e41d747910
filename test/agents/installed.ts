import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** An agent program as its registry has it. */
export type Package = { program: string; name: string; version: string };

/** Where programs are installed: below the dependencies of this project, or wherever the variable says. */
const programsDir = resolve(
  process.env.AGENT_PROGRAMS_DIR || join(import.meta.dirname, "../../node_modules/.cache/agent-programs"),
);

/**
 * Installs a program at its version, unless it is there. Resolves with the folder that has it as it is named on the PATH.
 * Throws where it cannot be installed: what was not run has not passed.
 */
export async function install(wanted: Package): Promise<string> {
  const { program, name, version } = wanted;
  const folder = join(programsDir, program);
  if (!installed(wanted)) {
    mkdirSync(folder, { recursive: true });
    // Some of them fetch the program itself in a script, which npm runs only for packages that are named.
    const manifest = { private: true, dependencies: { [name]: version }, allowScripts: { [name]: true } };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    await npm(folder, ["install", "--no-audit", "--no-fund", "--no-package-lock"]);
  }
  const bin = installed(wanted);
  if (!bin) throw new Error(`${folder} has no ${name} ${version}`);
  return bin;
}

/** The folder that has the program as it is named on the PATH, where that version is installed. */
export function installed({ program, name, version }: Package): string | undefined {
  const folder = join(programsDir, program);
  return versionIn(folder, name) === version ? join(folder, "node_modules/.bin") : undefined;
}

function versionIn(folder: string, name: string): string | undefined {
  try {
    const manifest = readFileSync(join(folder, "node_modules", name, "package.json"), "utf8");
    return (JSON.parse(manifest) as { version: string }).version;
  } catch {
    return undefined;
  }
}

async function npm(cwd: string, words: string[]): Promise<void> {
  const child = spawn("npm", words, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`npm ${words.join(" ")} ended with ${code} in ${cwd}`);
}
