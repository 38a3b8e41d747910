import { type Configuration, own } from "../../contract/configuration.ts";
import type { Issue } from "../../contract/errors.ts";
import { isObject, type JsonObject } from "../../contract/json.ts";
import type { Protocol } from "../../contract/kinds.ts";

/**
 * What the runtime of the profile `shared` speaks: what those profiles of the file say that use it. A runtime speaks one
 * protocol, so that two of them are an issue. `runtimeArn` stands for that runtime in the configuration.
 */
export function sharedProtocol(
  { runtimes, backends, defaults }: Configuration,
  input: JsonObject,
  runtimeArn: string,
): { protocol: Protocol; issues: Issue[] } {
  const named = isObject(input.runtimes) ? Object.keys(input.runtimes) : [];
  const users = named.flatMap((name) => {
    const profile = own(runtimes, name);
    const { details } = own(backends, profile?.backend ?? "") ?? {};
    if (!profile || (profile.target.mode ?? defaults.target?.mode ?? "session") !== "session") return [];
    const arn = profile.target.details?.runtimeArn ?? defaults.target?.details?.runtimeArn ?? details?.runtimeArn;
    const protocol = profile.protocol ?? profile.target.protocol ?? defaults.target?.protocol ?? "http";
    return arn === runtimeArn ? [{ name, protocol }] : [];
  });
  const protocol = users[0]?.protocol ?? "http";
  const other = users.find((user) => user.protocol !== protocol);
  const message = `is ${other?.protocol}, and that of ${users[0]?.name} is ${protocol}: both use the runtime that the stack makes, which speaks one; name a runtimeArn in one of them`;
  return { protocol, issues: other ? [{ path: `runtimes.${other.name}.protocol`, message }] : [] };
}
