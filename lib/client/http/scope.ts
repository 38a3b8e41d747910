import { RefusedError } from "../../contract/errors.ts";

/** What a signature holds for. */
export type Scope = { region: string; service: string };

/** Suffixes of hosts in the partitions: https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json */
const suffix =
  "(?:amazonaws\\.com(?:\\.cn)?|amazonaws\\.eu|api\\.aws|api\\.amazonwebservices\\.(?:com\\.cn|eu)|c2s\\.ic\\.gov|sc2s\\.sgov\\.gov|csp\\.hci\\.ic\\.gov|cloud\\.adc-e\\.uk)";
const region = "([a-z]{2,4}(?:-[a-z]+)+-\\d+)";

const hosts: readonly (readonly [RegExp, service: string])[] = [
  [new RegExp(`(?:^|\\.)execute-api\\.${region}\\.(?:vpce\\.)?${suffix}$`), "execute-api"],
  [new RegExp(`\\.lambda-url\\.${region}\\.on\\.(?:aws|${suffix})$`), "lambda"],
  [new RegExp(`(?:^|\\.)bedrock-agentcore\\.${region}\\.(?:vpce\\.)?${suffix}$`), "bedrock-agentcore"],
];

type Given = { region?: string | undefined; service?: string | undefined };
type Env = Readonly<Record<string, string | undefined>>;

/**
 * What requests to a host are signed for: as given, else as the host says, else for `execute-api` in the region of the
 * environment. Throws RefusedError `endpoint.address_invalid` when nothing says the region.
 */
export function scopeOf({ hostname }: URL, given: Given, env: Env): Scope {
  const [said] = hosts.flatMap(([host, service]) => {
    const region = host.exec(hostname)?.[1];
    return region === undefined ? [] : [{ region, service }];
  });
  const region = given.region || said?.region || env.AWS_REGION || env.AWS_DEFAULT_REGION;
  if (region) return { region, service: given.service || said?.service || "execute-api" };
  throw new RefusedError("endpoint.address_invalid", `the host ${hostname} does not say in which region it is`, {
    hint: "name the region with --region",
  });
}
