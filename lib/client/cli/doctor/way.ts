import manifest from "../../../../package.json" with { type: "json" };
import { DispatchError } from "../../../contract/errors.ts";
import { parseAddress } from "../../http/address.ts";
import type { Target } from "../../http/door.ts";
import { callerIdentity } from "../../http/identity.ts";
import { openDoor } from "../../http/open-door.ts";
import { scopeOf } from "../../http/scope.ts";
import { serverVersion } from "../../http/server-version.ts";
import type { Io } from "../io.ts";
import type { RunningSystem } from "../local-system.ts";

/** One thing that was looked at, and what to do about it. */
export type Finding = { name: string; status: "pass" | "warn" | "fail"; message: string; fix?: string };

/** The oldest Node that all of this runs on. */
const NODE = [22, 18] as const;

export function nodeFinding(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNew = major > NODE[0] || (major === NODE[0] && minor >= NODE[1]);
  if (isNew) return { name: "node", status: "pass", message: `Node ${version}` };
  const needed = `Node ${NODE.join(".")} or newer`;
  return { name: "node", status: "fail", message: `Node ${version} is too old`, fix: `install ${needed}` };
}

/** The way to a deployed system: whose the credentials are, whether it lets them in, and which version it is. */
export async function findingsElsewhere(
  target: Exclude<Target, { local: unknown }>,
  env: Io["env"],
): Promise<Finding[]> {
  const { profile } = target;
  const identity = await found("credentials", async () => {
    // Credentials of one partition of AWS are unknown in the others.
    const { region } = "endpoint" in target ? scopeOf(parseAddress(target.endpoint), target, env) : target;
    const { arn, account } = await callerIdentity({ region, profile }, env);
    return pass("credentials", `${arn} of account ${account}`);
  });
  const findLocal = async () => undefined;
  const door = () => openDoor(target, { findLocal, env });
  const endpoint = await found("endpoint", async () => versionFinding(await serverVersion(door()), "endpoint"));
  return [identity, endpoint];
}

/** Whether the system that runs on this machine is of this version. */
export const findingOfRunning = (running: RunningSystem): Promise<Finding> =>
  found("system", async () =>
    versionFinding(await serverVersion(openDoor({ local: {} }, { findLocal: async () => running })), "system"),
  );

/** Both sides are of one package: they are made to work together, and others mostly do. */
function versionFinding(theirs: string, name: string): Finding {
  if (theirs === manifest.version) return pass(name, `answers, and is version ${theirs}, as this is`);
  return {
    name,
    status: "warn",
    message: `answers, and is version ${theirs}, while this is ${manifest.version}`,
    fix:
      name === "system"
        ? "end it with agent-dispatch local stop; the next command that needs one starts it anew"
        : "deploy the same version, or install the one that is deployed",
  };
}

const pass = (name: string, message: string): Finding => ({ name, status: "pass", message });

async function found(name: string, look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error;
    const { message, hint, retryable } = error;
    // Whose they are is not needed to use them.
    const status = name === "credentials" && retryable ? "warn" : "fail";
    return { name, status, message, ...(hint !== undefined && { fix: hint }) };
  }
}
