import { join } from "node:path";
import { findProgram } from "../../../../worker/processes/find-program.ts";
import { RefusedError } from "../../../contract/errors.ts";
import {
  type BuiltInFramework,
  builtInFramework,
  commandFrameworks,
  programFrameworks,
} from "../../../contract/frameworks.ts";
import type { FrameworkState } from "../../../contract/tools/framework-state.ts";
import { logins } from "./login.ts";
import { isOlder, ProgramVersions } from "./program-versions.ts";

type Environment = Record<string, string>;

/** The agent programs that a person has installed on this machine, as sessions with an environment would find them. */
export class InstalledPrograms {
  readonly #versions: ProgramVersions;
  readonly #folder: string;

  /** What is learned is kept in that folder. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#versions = new ProgramVersions(join(folder, "agent-programs.json"));
  }

  /** Those that are installed, in the order in which the default is chosen. */
  names(env: Readonly<Record<string, string | undefined>>): BuiltInFramework[] {
    return programFrameworks.filter((name) => findProgram(programOf(name), env.PATH) !== undefined);
  }

  /** How a program that is not there would come there. */
  install(framework: string): string | undefined {
    const install = builtInFramework(framework)?.install;
    return install === undefined ? undefined : `install it with \`${install}\``;
  }

  /**
   * Throws RefusedError `task.framework_missing` where the program is too old, as far as its version is known; with `learn` it
   * is asked where it is not.
   */
  async assertUsable(framework: string, env: Environment, { learn = false } = {}): Promise<void> {
    const { program, minVersion } = builtInFramework(framework) ?? {};
    if (program === undefined || minVersion === undefined || commandFrameworks(env).includes(framework)) return;
    const path = findProgram(program, env.PATH);
    if (path === undefined) return;
    if (!learn && this.#versions.known(path) === undefined) return;
    const version = await this.#version(path, env, minVersion);
    if (version === undefined || !isOlder(version, minVersion)) return;
    throw new RefusedError("task.framework_missing", outdated(framework, version), {
      hint: updateOf(framework),
      details: { framework, version, minVersion, path },
    });
  }

  /** How it stands: its version, and whether it is logged in. No model is asked. Never throws. */
  async state(name: BuiltInFramework, env: Environment): Promise<FrameworkState> {
    const { program, minVersion = "0.0.0", login } = builtInFramework(name) ?? {};
    const path = program === undefined ? undefined : findProgram(program, env.PATH);
    if (program !== undefined && path === undefined) {
      const missing: FrameworkState = { name, status: "not_installed", message: `${program} is not installed` };
      const hint = this.install(name);
      return hint === undefined ? missing : { ...missing, hint };
    }
    const version = path === undefined ? undefined : await this.#version(path, env, minVersion);
    const known = { name, ...(version !== undefined && { version }), ...(path !== undefined && { path }) };
    if (version !== undefined && isOlder(version, minVersion))
      return { ...known, status: "outdated", message: outdated(name, version), hint: updateOf(name) };
    // An older program may take the question for an instruction.
    if (path !== undefined && version === undefined)
      return { ...known, status: "unsure", message: `${path} does not say its version` };
    const { isLoggedIn, how } = (await logins[name]?.({ path, env, cwd: this.#folder })) ?? {
      isLoggedIn: true,
      how: "a part of the worker",
    };
    const message = [version, how].filter((part) => part !== undefined).join(", ");
    if (isLoggedIn) return { ...known, status: "ready", message };
    const hint = login === undefined ? undefined : `log in with \`${login}\``;
    const status = isLoggedIn === false ? "not_logged_in" : "unsure";
    return { ...known, status, message, ...(hint && { hint }) };
  }

  /** One that is too old is asked again: behind a wrapper it is brought up to date without a change of its file. */
  async #version(path: string, env: Environment, minVersion: string): Promise<string | undefined> {
    const version = await this.#versions.read(path, env);
    return version !== undefined && isOlder(version, minVersion) ? this.#versions.ask(path, env) : version;
  }
}

const programOf = (framework: string): string => builtInFramework(framework)?.program ?? framework;

const outdated = (framework: string, version: string): string => {
  const { program, minVersion } = builtInFramework(framework) ?? {};
  return `${program} ${version} is installed, and ${framework} needs ${minVersion} or newer`;
};

const updateOf = (framework: string): string => `update it with \`${builtInFramework(framework)?.update}\``;
