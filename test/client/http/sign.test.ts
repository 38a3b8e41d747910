import { Sha256 } from "@smithy/core/checksum";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sign } from "../../../lib/client/http/sign.ts";

const regions = fc.constantFrom("us-west-2", "eu-central-1");
const services = fc.constantFrom("execute-api", "lambda", "bedrock-agentcore");
/** As requests have them: in small letters, and none that a proxy may change. */
const names = fc.constantFrom("accept", "content-type", "mcp-method", "mcp-name", "mcp-session-id");
const values = fc.stringMatching(/^[ !-~]{0,40}$/);
const text = fc.string({ unit: "grapheme", maxLength: 12 });
/** The SDK keeps a query in an object, which cannot have that name. */
const queryNames = text.filter((name) => name !== "__proto__");

test("it signs as the SDK of AWS does", async () => {
  const request = fc.record({
    region: regions,
    service: services,
    secretAccessKey: fc.constantFrom("one secret", "another"),
    sessionToken: fc.option(fc.stringMatching(/^[\w/+=]{1,40}$/), { nil: undefined }),
    path: fc.array(text, { maxLength: 4 }),
    query: fc.array(fc.tuple(queryNames, text), { maxLength: 4 }),
    headers: fc.dictionary(names, values),
    body: fc.uint8Array({ maxLength: 100 }),
    now: fc.date({ min: new Date("2026-01-01"), max: new Date("2026-01-04"), noInvalidDate: true }),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ region, service, path, query, headers, body, now, ...keys }) => {
      const url = new URL("https://host.example:8443");
      url.pathname = path.join("/");
      for (const [name, value] of query) url.searchParams.append(name, value);
      const { sessionToken, secretAccessKey } = keys;
      const credentials = { accessKeyId: "AKIA", secretAccessKey, ...(sessionToken && { sessionToken }) };
      const oracle = new SignatureV4({ credentials, region, service, sha256: Sha256 });
      const signed = await oracle.sign(
        {
          method: "POST",
          protocol: url.protocol,
          hostname: url.hostname,
          path: url.pathname,
          query: Object.fromEntries([...url.searchParams.keys()].map((name) => [name, url.searchParams.getAll(name)])),
          headers: { ...headers, host: url.host },
          body,
        },
        { signingDate: now },
      );
      expect(sign({ method: "POST", url, headers, body }, { region, service }, credentials, now)).toEqual(
        signed.headers,
      );
    }),
    { numRuns: 500 },
  );
});
