import { environmentVariables } from "../../contract/execution-environment.ts";
import { TASK_HEADER, taskNamedBy } from "../../contract/tokens/task-token.ts";
import { parseAddress, printed } from "./address.ts";
import { CredentialSource } from "./credentials.ts";
import type { Door } from "./door.ts";
import { explainSigned } from "./refused-signature.ts";
import { scopeOf } from "./scope.ts";
import { sign } from "./sign.ts";

type Env = Readonly<Record<string, string | undefined>>;
type Given = { endpoint: string; region?: string; service?: string; profile?: string };

/**
 * The door of an endpoint on AWS: each request is signed, with the token of a task where the environment has one for such an
 * endpoint. Throws RefusedError when the address cannot be one.
 */
export function signedDoor(
  { endpoint, profile, ...given }: Given,
  env: Env,
  credentials = new CredentialSource(profile, env),
): Door {
  const url = parseAddress(endpoint);
  const scope = scopeOf(url, given, env);
  const name = printed(url);
  const token = env[environmentVariables.taskToken];
  const ofTask = token && taskNamedBy(token) ? { [TASK_HEADER]: token } : {};
  return {
    name,
    locate: async () => url,
    authorize: async (request) =>
      sign({ ...request, headers: { ...request.headers, ...ofTask } }, scope, await credentials.get()),
    renew: async (what, { opening } = {}) => what === "key" && credentials.renew(opening),
    explain: (refusal) => explainSigned(refusal, { name, scope, renewHint: credentials.hint }),
  };
}
