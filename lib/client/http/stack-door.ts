import { CredentialSource } from "./credentials.ts";
import type { Door } from "./door.ts";
import { explainStatus } from "./refusal.ts";
import { signedDoor } from "./signed-door.ts";
import { StackCache } from "./stack-cache.ts";
import { askStack } from "./stack-endpoint.ts";

type Env = Readonly<Record<string, string | undefined>>;
type Given = { stack: string; region?: string; profile?: string };

/**
 * The door of a deployed stack: its output `Endpoint`, asked of CloudFormation once and then kept in the user's cache folder.
 * What was kept is asked for again when nothing of it is there any more.
 */
export function stackDoor({ stack, profile, ...given }: Given, env: Env): Door {
  const name = `the stack ${stack}`;
  const region = given.region || env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined;
  const credentials = new CredentialSource(profile, env);
  const cache = new StackCache({ stack, region, profile: profile || env.AWS_PROFILE }, env);
  let opened: Promise<{ door: Door; wasKept: boolean }> | undefined;
  let current: Door | undefined;

  async function find(): Promise<{ door: Door; wasKept: boolean }> {
    const kept = cache.read();
    const { endpoint, region: where } = kept ?? (await askStack({ stack, region, profile }, () => credentials.get()));
    const door = signedDoor({ endpoint, region: where }, env, credentials);
    if (!kept) cache.write({ endpoint, region: where });
    current = door;
    return { door, wasKept: kept !== undefined };
  }
  const open = async (): Promise<Door> => {
    opened ??= find();
    // What failed is asked for again.
    opened.catch(() => (opened = undefined));
    return (await opened).door;
  };

  return {
    name,
    locate: async () => (await open()).locate(),
    authorize: async (request) => (await open()).authorize(request),
    async renew(what, refused) {
      if (what === "key") return credentials.renew(refused);
      const isKept = (await opened?.catch(() => undefined))?.wasKept === true;
      if (!isKept) return false;
      cache.forget();
      opened = undefined;
      return true;
    },
    explain: (refusal) => current?.explain(refusal) ?? explainStatus(name, refusal),
  };
}
