import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Plugin } from "esbuild";

const root = resolve(import.meta.dirname, "../..");

/** A banner: some of what is bundled asks for parts of Node as CommonJS does, which a module of today cannot by itself. */
export const withRequire =
  'import{createRequire as requireFrom}from"node:module";const require=requireFrom(import.meta.url);';

/** Of a manifest, ours or an SDK's, nothing but name and version is deployed: the text of a file reduced to them. */
export function nameAndVersion(path: string): string {
  const { name, version } = JSON.parse(readFileSync(path, "utf8")) as { name?: string; version: string };
  return JSON.stringify({ name, version });
}

const versionOnly: Plugin = {
  name: "version-only",
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]package\.json$/ }, ({ path }) => ({ contents: nameAndVersion(path), loader: "json" }));
  },
};

/**
 * The MCP SDK validates by JSON Schema only where a server asks its client for input, which ours never does, and what a
 * tool of another server has structured. The validator it has for other platforms takes 130,000 bytes less than the one
 * for Node, and starts sooner. By what is imported, the file that takes its place.
 */
export const lightValidators: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({ server: "shimsBrowser.mjs", client: "shimsWorkerd.mjs" }).map(([side, file]) => [
    `@modelcontextprotocol/${side}/_shims`,
    join(root, `node_modules/@modelcontextprotocol/${side}/dist/${file}`),
  ]),
);

const lighterValidator: Plugin = {
  name: "lighter-validator",
  setup: ({ onResolve }) => {
    for (const [specifier, path] of Object.entries(lightValidators))
      onResolve({ filter: new RegExp(`^${specifier}$`) }, () => ({ path }));
  },
};

/**
 * The encoder of AG-UI has a binary form too, which ours does not offer: what it needs is 100,000 bytes and all languages of
 * zod, which the worker would load as it starts.
 */
const eventsAsTextOnly: Plugin = {
  name: "events-as-text-only",
  setup: ({ onLoad }) => {
    const contents = 'export const AGUI_MEDIA_TYPE="application/vnd.ag-ui.event+proto";export const encode=undefined;';
    onLoad({ filter: /@ag-ui[\\/]proto[\\/]dist[\\/]index\.mjs$/ }, () => ({ contents, loader: "js" }));
  },
};

/** What makes bundles smaller than their packages: for all that is deployed, and for the package. */
export const plugins: readonly Plugin[] = [versionOnly, lighterValidator, eventsAsTextOnly];
