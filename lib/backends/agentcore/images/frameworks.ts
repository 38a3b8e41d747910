import type { Configuration } from "../../../contract/configuration.ts";
import { commandFrameworks, frameworkNames } from "../../../contract/frameworks.ts";
import type { FrameworkState } from "../../../contract/tools/framework-state.ts";

type Environment = Readonly<Record<string, string>>;

/** What agents run in on the image of the workers, where neither call nor profile says. */
export const IMAGE_DEFAULT = "strands";

/** What the image of the workers has, besides the commands that the configuration makes frameworks of. */
export const imageFrameworks = ({ cloud }: Configuration, environment: Environment): string[] =>
  frameworkNames(environment, ["strands", ...(hasClaudeCode(cloud) ? (["claude-code"] as const) : []), "echo"]);

/** How a framework of ours would come into the image; undefined where only an image of somebody's own could have it. */
export const imageInstall = (framework: string): string | undefined =>
  framework === "claude-code"
    ? "set cloud.workerImage.claudeCode in the configuration file and deploy again"
    : undefined;

/** Each of them, and what a build of the image could have besides. What it asks models with is its role's. */
export function imageStates(configuration: Configuration, environment: Environment): FrameworkState[] {
  const commands = commandFrameworks(environment);
  const there = imageFrameworks(configuration, environment).map((name): FrameworkState => {
    const message = commands.includes(name) ? "a command that is configured" : "in the worker's image";
    return { name, status: "ready", message };
  });
  if (there.some(({ name }) => name === "claude-code")) return there;
  const status = "not_installed";
  const message = "the worker's image is built without it";
  const hint = imageInstall("claude-code") ?? "";
  return [...there, { name: "claude-code", status, message, hint }];
}

const hasClaudeCode = ({ workerImage }: Configuration["cloud"]): boolean => workerImage?.claudeCode === true;
