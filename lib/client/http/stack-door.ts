import { DispatchError } from "../../contract/errors.ts";
import { CredentialSource } from "./credentials.ts";
import type { Door } from "./door.ts";
import { explainStatus } from "./refusal.ts";
import { signedDoor } from "./signed-door.ts";
import { KEPT_MS, StackCache, type StackEndpoint } from "./stack-cache.ts";
import { askStack } from "./stack-endpoint.ts";

type Env = Readonly<Record<string, string | undefined>>;
type Given = { stack: string; region?: string; service?: string; profile?: string };

/** Where an endpoint is, when the stack said so (never, for what was kept), and since when this process goes by it. */
type Opened = { door: Door; url: URL; askedAtMs: number; openedAtMs: number };

/** A process may live longer than what is kept counts. */
const isOld = ({ openedAtMs }: Opened): boolean => Math.abs(Date.now() - openedAtMs) > KEPT_MS;

/** For how long what a stack said is not doubted. */
const FRESH_MS = 60_000;

/**
 * The door of a deployed stack: its output `Endpoint`, asked of CloudFormation once and then kept in the user's cache folder
 * for a day. It is asked for again after that, and when nothing is there any more, or whoever is there refuses.
 */
export function stackDoor({ stack, service, profile, ...given }: Given, env: Env): Door {
  const name = `the stack ${stack}`;
  const region = given.region || env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined;
  const credentials = new CredentialSource(profile, env);
  const cache = new StackCache({ stack, region, profile: profile || env.AWS_PROFILE }, env);
  let opened: Promise<Opened> | undefined;
  let current: Opened | undefined;

  async function find(doubted: Opened | undefined): Promise<Opened> {
    const openedAtMs = Date.now();
    const kept = doubted ? undefined : cache.read();
    const askedAtMs = kept ? Number.NEGATIVE_INFINITY : openedAtMs;
    const said = kept ?? (await ask(doubted));
    // What is not answered now is asked again after as long.
    if (!said) {
      current = { ...(doubted as Opened), openedAtMs };
      return current;
    }
    const door = signedDoor({ ...said, ...(service !== undefined && { service }) }, env, credentials);
    if (!kept) cache.write(said);
    current = { door, url: await door.locate(), askedAtMs, openedAtMs };
    return current;
  }
  /** What the stack says; nothing when what is doubted cannot be asked for: the refusal says more than that. */
  const ask = (doubted: Opened | undefined): Promise<StackEndpoint | undefined> =>
    askStack({ stack, region, profile }, () => credentials.get()).catch((error) => {
      if (doubted && !(error instanceof DispatchError && error.code === "endpoint.address_invalid")) return undefined;
      throw error;
    });
  const open = async (doubted?: Opened): Promise<Opened> => {
    const before = opened;
    const found = doubted ?? (await before?.catch(() => undefined));
    // Unless somebody else is just asking.
    if (!opened || (before === opened && found && (doubted || isOld(found)))) {
      const opening = find(found);
      opened = opening;
      // What failed is asked for again.
      opening.catch(() => {
        if (opened === opening) opened = undefined;
      });
    }
    return opened;
  };

  return {
    name,
    locate: async () => (await open()).url,
    authorize: async (request) => (await open()).door.authorize(request),
    async renew(what, { url, opening } = {}) {
      if (what === "key") return credentials.renew(opening);
      const before = opened;
      const found = await before?.catch(() => undefined);
      // Somebody else has asked, or is just asking.
      if (before !== opened || !found || (url && url.href !== found.url.href)) return found !== undefined;
      if (Date.now() - found.askedAtMs < FRESH_MS) return false;
      opened = undefined;
      // Whoever uses the door next waits for it.
      open(found).catch(() => {});
      return true;
    },
    explain: (refusal) => current?.door.explain(refusal) ?? explainStatus(name, refusal),
  };
}
