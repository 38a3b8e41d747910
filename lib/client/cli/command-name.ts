import { accessSync, constants, existsSync, realpathSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";

const NAME = "agent-dispatch";

/** The folder of the package that this code belongs to: a clone, or what npm installed. */
export const packageFolder = findPackage(import.meta.dirname);
const launcher = join(packageFolder, "bin", `${NAME}.js`);

/**
 * How this program is called where it runs: `agent-dispatch` where the person's PATH leads to it, `npx agent-dispatch` in
 * the folder of a clone or of a project that has it, else by where it and its Node are: as it stands it may be typed.
 *
 * @example `${commandName()} list`
 */
export const commandName = (): string => nameIn({ cwd: process.cwd(), path: process.env.PATH ?? "" });

/** A text of ours in which commands begin lines or stand behind blanks, as they are called here. */
export const asCalledHere = (text: string): string =>
  text.replaceAll(/(?<=^|\s)agent-dispatch(?= [a-z])/g, commandName);

/** The same for a folder and a PATH. */
export function nameIn({ cwd, path }: { cwd: string; path: string }): string {
  // The bridge may be a file of its own, without the package.
  if (!existsSync(launcher) || isOnPath(path)) return NAME;
  if (isFoundByNpx(cwd)) return `npx ${NAME}`;
  return `${quote(process.execPath)} ${quote(launcher)}`;
}

/** The text as one word of a shell. */
export const quote = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** npm and npx put the programs of the project in front of the PATH of what they run, and not of the person's terminal. */
function isOnPath(path: string): boolean {
  const folders = path
    .split(delimiter)
    .filter((folder) => folder !== "" && !/[\\/]node_modules[\\/]\.bin$/.test(folder));
  const found = folders.map((folder) => join(folder, NAME)).find(isProgram);
  return found !== undefined && leadsHere(found);
}

/** npx takes the program of the nearest folder upwards that has one: the package's own, or that of a project. */
function isFoundByNpx(cwd: string): boolean {
  const inProject = (folder: string): string => join(folder, "node_modules", ".bin", NAME);
  const nearest = foldersFrom(cwd).find((folder) => folder === packageFolder || existsSync(inProject(folder)));
  return nearest !== undefined && (nearest === packageFolder || leadsHere(inProject(nearest)));
}

function leadsHere(file: string): boolean {
  try {
    return realpathSync(file) === realpathSync(launcher);
  } catch {
    return false;
  }
}

/** Whether this user may run that file. */
export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The folder and all that it lies in, the nearest first. */
function foldersFrom(folder: string): string[] {
  const folders = [resolve(folder)];
  for (let above = dirname(folder); above !== folders.at(-1); above = dirname(above)) folders.push(above);
  return folders;
}

function findPackage(from: string): string {
  const found = foldersFrom(from).find((folder) => existsSync(join(folder, "bin", `${NAME}.js`)));
  return found ?? from;
}
