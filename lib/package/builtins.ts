import http from "node:http";
import type { Plugin } from "esbuild";

/** Names of `node:http` that load all of Node's fetch when they are read. */
const lazy = new Set(["WebSocket", "CloseEvent", "MessageEvent"]);
const names = Object.keys(http).filter((name) => !lazy.has(name));

/**
 * `import … from "node:http"` reads everything that it exports, the classes of WebSocket among them, and so loads all of
 * Node's fetch: that is half of what a command takes that only asks another process. `require` reads what is used.
 */
export const httpAsUsed: Plugin = {
  name: "http-as-used",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^(?:node:)?http$/ }, ({ kind }) =>
      kind === "require-call" ? undefined : { path: "http", namespace: "http-as-used", sideEffects: false },
    );
    onLoad({ filter: /./, namespace: "http-as-used" }, () => ({
      contents: `const http = require("node:http");\nexport default http;\nexport const { ${names.join(", ")} } = http;\n`,
    }));
  },
};
