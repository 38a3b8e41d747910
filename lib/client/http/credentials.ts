import { DispatchError, RefusedError } from "../../contract/errors.ts";
import { defined } from "../../contract/json.ts";
import type { Credentials } from "./sign.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** How long before their end credentials are renewed, at most; it is a quarter of their life when that is less. */
const AHEAD_MS = 5 * 60_000;

/**
 * The credentials of the standard chain of AWS, or of one profile: those of the environment, of profiles, of single sign-on,
 * of a process, a container or a machine. They are renewed before they end. The SDK is loaded only for what is not in the
 * environment.
 */
export class CredentialSource {
  readonly #profile: string | undefined;
  /** Read once: the environment of a process is asked for more slowly than a signature is made. */
  readonly #inEnvironment: Credentials | undefined;
  #kept: { credentials: Credentials; renewAtMs: number } | undefined;
  #asked: Promise<Credentials> | undefined;

  constructor(profile: string | undefined, env: Env) {
    this.#profile = profile || env.AWS_PROFILE || undefined;
    this.#inEnvironment = this.#profile === undefined ? inEnvironment(env) : undefined;
  }

  /** Credentials that are good now. Throws RefusedError `endpoint.unauthenticated`, with a hint how to get some. */
  async get(): Promise<Credentials> {
    if (this.#inEnvironment) return this.#inEnvironment;
    const kept = this.#kept;
    if (kept === undefined || endsBy(kept.credentials, Date.now())) return this.#ask();
    // What fails now may succeed until they end.
    if (Date.now() >= kept.renewAtMs) this.#ask().catch(() => {});
    return kept.credentials;
  }

  /** Forgets what is kept, unless that is newer than what was `refused`; whether there is a source to ask again. */
  renew(refused: Record<string, string> = {}): boolean {
    const [, refusedKey] = /Credential=([^/]+)\//.exec(refused.authorization ?? "") ?? [];
    if (refusedKey === undefined || refusedKey === this.#kept?.credentials.accessKeyId) this.#kept = undefined;
    return this.#inEnvironment === undefined;
  }

  /** What to do when what is there does not open the endpoint. */
  get hint(): string {
    if (this.#inEnvironment) return "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew";
    return `log in again with: aws sso login${this.#option} (or whatever gives this profile its keys)`;
  }

  get #option(): string {
    return this.#profile ? ` --profile ${this.#profile}` : "";
  }

  #ask(): Promise<Credentials> {
    this.#asked ??= this.#load().finally(() => (this.#asked = undefined));
    return this.#asked;
  }

  async #load(): Promise<Credentials> {
    const { loadCredentials } = await import("./aws.ts");
    const askedAtMs = Date.now();
    const credentials = await loadCredentials(this.#profile).catch((error) => {
      throw this.#none(error);
    });
    const lifeMs = (credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - askedAtMs;
    this.#kept = { credentials, renewAtMs: askedAtMs + lifeMs - Math.min(AHEAD_MS, lifeMs / 4) };
    return credentials;
  }

  /** The texts of the SDK name no keys. That of a process which failed is its command, which may hold some: it is not kept. */
  #none(error: unknown): DispatchError {
    if (error instanceof DispatchError) return error;
    const said = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "";
    const whose = this.#profile ? `of the profile ${JSON.stringify(this.#profile)}` : "of AWS";
    const refuse = (message: string, hint: string, cause: unknown = error) =>
      new RefusedError("endpoint.unauthenticated", message, { hint, cause });
    if (/credential_process|^Command failed/i.test(said))
      return refuse(
        `the credential_process ${whose} gave no credentials`,
        "run its command, which the file ~/.aws/config has, by hand: it must print the JSON of the keys without asking anything",
        null,
      );
    if (/sso|token is expired|refresh/i.test(said))
      return refuse(`the login ${whose} has ended`, `log in with: aws sso login${this.#option}`);
    if (/login|sign-?in/i.test(said))
      return refuse(`the login ${whose} has ended`, `log in with: aws login${this.#option}`);
    if (/resolve credentials using profile|profile .*(not|no) .*found/i.test(said))
      return refuse(
        `there are no credentials ${whose} in the files of AWS`,
        "name another with --profile (aws configure list-profiles lists them), or make it with: aws configure sso",
      );
    return refuse(
      `no credentials ${whose} were found`,
      "name a profile with --profile or AWS_PROFILE, log in with: aws sso login, or make one with: aws configure sso",
    );
  }
}

function inEnvironment(env: Env): Credentials | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...defined({ sessionToken: AWS_SESSION_TOKEN || undefined }) };
}

const endsBy = ({ expiration }: Credentials, timeMs: number): boolean =>
  expiration !== undefined && expiration.getTime() <= timeMs;
