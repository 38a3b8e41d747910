import { builtinModules } from "node:module";
import type { Plugin } from "esbuild";

export const nameOfBuiltin = (specifier: string): string => specifier.replace(/^node:/, "");

const builtins = new Set(builtinModules.map(nameOfBuiltin));

export const isBuiltin = (specifier: string): boolean => builtins.has(nameOfBuiltin(specifier));

/**
 * What is imported of Node itself, taken from the module as it is used. An import statement reads every export there is:
 * from `node:http` the classes of WebSocket, and so all of Node's fetch, from `node:crypto` the whole of Web Crypto. That
 * was half the time of a command that only asks another process.
 */
export const builtinsAsUsed: Plugin = {
  name: "builtins-as-used",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^[^./]/ }, ({ path, kind, namespace }) => {
      if (kind !== "import-statement" || namespace === "builtin" || !isBuiltin(path)) return undefined;
      return { path: nameOfBuiltin(path), namespace: "builtin", sideEffects: false };
    });
    onLoad({ filter: /./, namespace: "builtin" }, ({ path: name }) => ({ contents: moduleFor(name) }));
  },
};

/** The code of a module of Node as it is used: exports that nobody imports are left out, and so not read. */
export function moduleFor(name: string): string {
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
