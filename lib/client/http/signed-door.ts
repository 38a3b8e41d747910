import { parseAddress, printed } from "./address.ts";
import { CredentialSource } from "./credentials.ts";
import type { Door } from "./door.ts";
import { explainSigned } from "./refused-signature.ts";
import { scopeOf } from "./scope.ts";
import { sign } from "./sign.ts";

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
    authorize: async (request) => sign(request, scope, await credentials.get()),
    renew: async (what, { opening } = {}) => what === "key" && credentials.renew(opening),
    explain: (refusal) => explainSigned(refusal, { name, scope, renewHint: credentials.hint }),
  };
}
