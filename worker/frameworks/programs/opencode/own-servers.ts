import type { JsonObject } from "../../../../lib/contract/json.ts";

/**
 * A plugin for opencode, which merges all configurations that it finds, field by field: it puts these MCP servers in their places
 * whole, so that nothing that a person's server of the same name is sent, such as a login, is sent to a task's.
 * @see https://opencode.ai/docs/config/#precedence-order
 */
export const ownServers = (servers: JsonObject): string => `export const OwnServers = async () => ({
  config: async (config) => {
    config.mcp = { ...config.mcp, ...JSON.parse(${JSON.stringify(JSON.stringify(servers))}) };
  },
});
`;
