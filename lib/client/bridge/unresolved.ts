/**
 * Takes away each variable that is set to its own name, as `$NAME` or `${NAME}`: a client that was told to hand it on, and did
 * not have it. https://github.com/google-gemini/gemini-cli/blob/main/docs/tools/mcp-server.md
 */
export function dropUnresolved(env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env))
    if (value === `$${name}` || value === `\${${name}}`) delete env[name];
}
