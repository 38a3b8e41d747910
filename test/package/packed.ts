import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cleanEnv } from "../client/cli/cli.ts";

const root = join(import.meta.dirname, "../..");

export type Packed = { tarball: string; files: { path: string; mode: number }[] };

/** What `npm pack` makes of this clone, in that folder. */
export async function pack(folder: string): Promise<Packed> {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: root,
    maxBuffer: 1e8,
  });
  // What the build prints comes first.
  const [packed] = JSON.parse(stdout.slice(stdout.search(/^\[$/m))) as { filename: string; files: Packed["files"] }[];
  if (!packed) throw new Error(`npm pack says nothing of a package: ${stdout}`);
  return { tarball: join(folder, packed.filename), files: packed.files };
}

/** Installs it in an empty folder, with an empty cache and no network. */
export async function install(tarball: string, folder: string): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const words = ["install", "--offline", "--no-audit", "--no-fund", "--cache", join(folder, "npm-cache"), tarball];
  await promisify(execFile)("npm", words, { cwd: folder });
}

/** The environment of a person who has nothing but Node and what is installed in the folder, which is also home. */
export const environmentIn = (folder: string, node = process.execPath): Record<string, string | undefined> => ({
  ...cleanEnv(),
  NODE_COMPILE_CACHE: undefined,
  HOME: folder,
  XDG_CACHE_HOME: undefined,
  XDG_DATA_HOME: undefined,
  PATH: `${join(folder, "node_modules/.bin")}:${dirname(node)}:/usr/bin:/bin`,
});
