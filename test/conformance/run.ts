import { judge, readBaseline, type Verdict } from "./baseline.ts";
import { type EndpointName, endpoints } from "./endpoints.ts";
import { type Revision, revisions, runOfficialTool } from "./official-tool.ts";

/** What came of every scenario, of both revisions, at one endpoint. */
export type Run = {
  endpoint: EndpointName;
  verdicts: (Verdict & { revision: Revision })[];
  /** Entries of the baseline that name nothing that was run, or only what passes. */
  unmet: string[];
  /** How many requests each of the processes behind the endpoint has had, where there are several. */
  requests?: readonly number[];
};

/** Runs the tool of each revision against an endpoint that is opened for it. */
export async function runAt(endpoint: EndpointName): Promise<Run> {
  await using opened = await endpoints[endpoint]();
  const baseline = readBaseline();
  const perRevision = revisions.map(async (revision) => {
    const scenarios = await runOfficialTool(revision, opened.url);
    return scenarios.map((scenario) => ({ ...judge(scenario, baseline), revision }));
  });
  const verdicts = (await Promise.all(perRevision)).flat();
  const met = new Set(verdicts.flatMap((verdict) => verdict.met));
  const unmet = baseline.filter((entry) => !met.has(entry));
  return { endpoint, verdicts, unmet, ...(opened.requests && { requests: [...opened.requests] }) };
}
