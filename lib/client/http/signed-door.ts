import { parseAddress, printed } from "./address.ts";
import { CredentialSource } from "./credentials.ts";
import type { Door } from "./door.ts";
import { explainSigned } from "./refused-signature.ts";
import { scopeOf } from "./scope.ts";

type Env = Readonly<Record<string, string | undefined>>;
type Given = { endpoint: string; region?: string; service?: string; profile?: string };

/** The door of an endpoint on AWS: each request is signed. Throws RefusedError when the address cannot be one. */
export function signedDoor(
  { endpoint, profile, ...given }: Given,
  env: Env,
  credentials = new CredentialSource(profile, env),
): Door {
  const url = parseAddress(endpoint);
  const scope = scopeOf(url, given, env);
  const name = printed(url);
  return {
    name,
    locate: async () => url,
    async authorize(request) {
      const [{ sign }, keys] = await Promise.all([import("./sign.ts"), credentials.get()]);
      return sign(request, scope, keys);
    },
    renew: async (what, { opening } = {}) => what === "key" && credentials.renew(opening),
    explain: (refusal) => explainSigned(refusal, { name, scope, renewHint: credentials.hint }),
  };
}
