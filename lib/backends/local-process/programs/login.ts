import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import type { BuiltInFramework } from "../../../contract/frameworks.ts";
import { parseJsonObject } from "../../../contract/json.ts";
import { type Asked, askProgram } from "./ask-program.ts";

type Environment = Record<string, string>;

/** Whether a framework is logged in with its provider; undefined where that cannot be told. `how` names no secret. */
export type Login = { isLoggedIn: boolean | undefined; how: string };

/** Where a framework is to be asked, and with what. */
export type LoginPlace = { path?: string | undefined; env: Environment; cwd: string };

/** Tells whether each is logged in, from what it says itself or from what is there. No model is asked, no secret read. */
export const logins: Partial<Record<BuiltInFramework, (place: LoginPlace) => Promise<Login>>> = {
  "claude-code": claude,
  codex,
  gemini: async ({ env }) => gemini(env),
  opencode: async ({ env }) => opencode(env),
  strands: async ({ env }) => strands(env),
};

const yes = (how: string): Login => ({ isLoggedIn: true, how });
const no = (how: string): Login => ({ isLoggedIn: false, how });
const unsure = (how: string): Login => ({ isLoggedIn: undefined, how });

const claudeStatus = z.object({
  loggedIn: z.boolean(),
  authMethod: z.string().optional(),
  apiProvider: z.string().optional(),
  apiKeySource: z.string().optional(),
});

async function claude(place: LoginPlace): Promise<Login> {
  const asked = await ask(place, ["auth", "status", "--json"]);
  const said = claudeStatus.safeParse(parseJsonObject(asked?.stdout ?? ""));
  if (!said.success) return unsure("it does not say whether it is logged in");
  const { loggedIn, authMethod = "", apiProvider, apiKeySource } = said.data;
  if (!loggedIn) return no("not logged in");
  if (apiProvider !== undefined && apiProvider !== "firstParty") return yes(`it uses ${apiProvider}`);
  return yes(`logged in by ${apiKeySource ?? authMethod.replaceAll("_", " ")}`);
}

async function codex(place: LoginPlace): Promise<Login> {
  const key = isSet(place.env, "CODEX_API_KEY");
  if (key) return yes(`logged in by ${key}`);
  const asked = await ask(place, ["login", "status"]);
  if (asked?.exitCode === 0) return yes("logged in");
  const config = textOf(join(place.env.CODEX_HOME ?? join(homeOf(place.env), ".codex"), "config.toml"));
  if (/^\s*model_provider\s*=/m.test(config)) return unsure("its configuration names a provider of its own");
  return asked?.exitCode === 1 ? no("not logged in") : unsure("it does not say whether it is logged in");
}

/** How it chooses: https://google-gemini.github.io/gemini-cli/docs/get-started/authentication.html */
function gemini(env: Environment): Login {
  const home = join(env.GEMINI_CLI_HOME ?? homeOf(env), ".gemini");
  const chosen = /"selectedType"\s*:\s*"([\w-]+)"/.exec(textOf(join(home, "settings.json")))?.[1];
  const variable = isSet(env, "GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA");
  if (chosen === undefined && variable === undefined) return no("no way to log in is chosen");
  const stored = ["oauth_creds.json", "gemini-credentials.json"].some((name) => isFilled(join(home, name)));
  if (chosen === "oauth-personal")
    return stored ? yes("logged in with Google") : unsure("it may have to log in with Google again");
  if (variable) return yes(`logged in by ${variable}`);
  return stored ? yes(`logged in by ${chosen}`) : unsure(`its settings choose ${chosen}`);
}

/** Where it keeps credentials: https://opencode.ai/docs/providers/ */
function opencode(env: Environment): Login {
  const data = env.XDG_DATA_HOME ?? join(homeOf(env), ".local", "share");
  if (isFilled(join(data, "opencode", "auth.json"))) return yes("logged in");
  const variable = Object.keys(env).find((name) => name.endsWith("_API_KEY") && isSet(env, name));
  return variable ? yes(`logged in by ${variable}`) : unsure("no credentials of a provider were found");
}

/** Where the SDKs look: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html */
function strands(env: Environment): Login {
  const names = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "OPENAI_API_KEY", "OPENAI_BASE_URL"];
  const variable = isSet(env, ...names, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (variable) return yes(`credentials by ${variable}`);
  const files = [
    env.AWS_SHARED_CREDENTIALS_FILE ?? join(homeOf(env), ".aws", "credentials"),
    env.AWS_CONFIG_FILE ?? join(homeOf(env), ".aws", "config"),
  ];
  if (files.some(isFilled)) return yes("credentials by a profile of AWS");
  return unsure("no credentials of AWS were found, and no OPENAI_API_KEY");
}

const ask = async ({ path, env, cwd }: LoginPlace, args: string[]): Promise<Asked | undefined> =>
  path === undefined ? undefined : askProgram(path, args, { env, cwd });

const homeOf = (env: Environment): string => env.HOME || homedir();

const isSet = (env: Environment, ...names: string[]): string | undefined =>
  names.find((name) => (env[name] ?? "").trim() !== "");

/** Whether a file holds more than an empty object. Nothing of it is read. */
const isFilled = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 4;

/** For files of settings; credentials are in others. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
