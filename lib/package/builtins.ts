import { builtinModules } from "node:module";
import type { Plugin } from "esbuild";

const builtins = new Set(builtinModules.map((name) => name.replace(/^node:/, "")));

/**
 * What is imported of Node itself, taken from the module as it is used. An import statement reads every export there is:
 * from `node:http` the classes of WebSocket, and so all of Node's fetch, from `node:crypto` the whole of Web Crypto. That
 * was half the time of a command that only asks another process.
 */
export const builtinsAsUsed: Plugin = {
  name: "builtins-as-used",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^[^./]/ }, ({ path, kind, namespace }) => {
      const name = path.replace(/^node:/, "");
      if (kind !== "import-statement" || namespace === "builtin" || !builtins.has(name)) return undefined;
      return { path: name, namespace: "builtin", sideEffects: false };
    });
    onLoad({ filter: /./, namespace: "builtin" }, ({ path: name }) => ({ contents: moduleFor(name) }));
  },
};

/** Exports that nobody imports are left out, and so not read. */
function moduleFor(name: string): string {
  const exported = Object.keys(process.getBuiltinModule(`node:${name}`) ?? {});
  const lines = exported
    .filter((key) => key !== "default" && /^[A-Za-z_$][\w$]*$/.test(key))
    .map((key) => `const _${key} = /* @__PURE__ */ read("${key}");\nexport { _${key} as ${key} };`);
  return `const all = process.getBuiltinModule("node:${name}");
const read = (key) => all[key];
export default all;
${lines.join("\n")}`;
}

/** For what asks for parts of Node as CommonJS does. */
export const withRequire = 'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url);';
