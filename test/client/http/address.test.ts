import { describe, expect, test } from "vitest";
import { parseAddress } from "../../../lib/client/http/address.ts";
import { scopeOf } from "../../../lib/client/http/scope.ts";

describe("an address", () => {
  test.each([
    "https://abc123.execute-api.us-west-2.amazonaws.com/live/mcp",
    "https://mcp.example.com",
    "http://127.0.0.1:8123/mcp",
    "http://127.1.2.3/mcp",
    "http://localhost:8123/mcp",
    "http://[::1]:8123/mcp",
  ])("%s is taken", (text) => {
    expect(String(parseAddress(text))).toBe(String(new URL(text)));
  });

  test.each([
    ["http://abc123.execute-api.us-west-2.amazonaws.com/live/mcp", "endpoint.insecure"],
    ["http://10.0.0.1/mcp", "endpoint.insecure"],
    ["http://127.0.0.1.example.com/mcp", "endpoint.insecure"],
    ["http://localhost.example.com/mcp", "endpoint.insecure"],
    ["http://mcp.localhost/mcp", "endpoint.insecure"],
    ["https://me:hunter2@mcp.example.com/mcp", "endpoint.address_invalid"],
    ["https://hunter2@mcp.example.com/mcp", "endpoint.address_invalid"],
    ["http://me:hunter2@127.0.0.1/mcp", "endpoint.address_invalid"],
    ["ftp://mcp.example.com/hunter2", "endpoint.address_invalid"],
    ["file:///etc/hunter2", "endpoint.address_invalid"],
    ["mcp.example.com/hunter2", "endpoint.address_invalid"],
    ["", "endpoint.address_invalid"],
  ])("%s is refused, and not repeated", (text, code) => {
    let error: unknown;
    try {
      parseAddress(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code, hint: expect.stringContaining("https") });
    expect(JSON.stringify(error) + String(error)).not.toContain("hunter2");
  });
});

describe("what a request is signed for", () => {
  test.each([
    ["abc123.execute-api.us-west-2.amazonaws.com", "us-west-2", "execute-api"],
    ["abc123-vpce-0a1b2c.execute-api.us-gov-west-1.amazonaws.com", "us-gov-west-1", "execute-api"],
    ["vpce-0a1b-x.execute-api.eu-central-1.vpce.amazonaws.com", "eu-central-1", "execute-api"],
    ["abc123.execute-api.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1", "execute-api"],
    ["abc123.execute-api.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "execute-api"],
    ["abc123.execute-api.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", "execute-api"],
    ["abc123.execute-api.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1", "execute-api"],
    ["abcdef.lambda-url.ap-southeast-2.on.aws", "ap-southeast-2", "lambda"],
    ["bedrock-agentcore.us-east-1.amazonaws.com", "us-east-1", "bedrock-agentcore"],
    ["g-1.gateway.bedrock-agentcore.us-east-1.amazonaws.com", "us-east-1", "bedrock-agentcore"],
    ["bedrock-agentcore.us-east-1.api.aws", "us-east-1", "bedrock-agentcore"],
  ])("%s is in %s, and of %s", (host, region, service) => {
    // The region of the environment is that of other things.
    expect(scopeOf(new URL(`https://${host}/x`), {}, { AWS_REGION: "sa-east-1" })).toEqual({ region, service });
  });

  test("what is given goes before what the host says", () => {
    const url = new URL("https://abc123.execute-api.us-west-2.amazonaws.com/live/mcp");
    expect(scopeOf(url, { region: "eu-west-1", service: "lambda" }, {})).toEqual({
      region: "eu-west-1",
      service: "lambda",
    });
  });

  test.each(["mcp.example.com", "abc.execute-api.us-west-2.amazonaws.com.example.com", "127.0.0.1"])(
    "%s says nothing: the region has to be given",
    (host) => {
      const url = new URL(`https://${host}/mcp`);
      expect(scopeOf(url, { region: "us-west-2" }, {})).toEqual({ region: "us-west-2", service: "execute-api" });
      expect(scopeOf(url, {}, { AWS_REGION: "us-east-2" })).toMatchObject({ region: "us-east-2" });
      expect(() => scopeOf(url, {}, {})).toThrow(
        expect.objectContaining({ hint: expect.stringContaining("--region") }),
      );
    },
  );
});
