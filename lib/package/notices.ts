import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const LINE = "=".repeat(80);

/**
 * The notices that licences ask for: which packages the bundled files come from, with version and licence, and what their own
 * files say, once where several say the same. `bundled` are paths below the folder of the project. Throws Error for a package
 * without a licence.
 */
export async function noticesFor(root: string, bundled: readonly string[]): Promise<string> {
  const folders = new Set(bundled.flatMap((file) => packageOf(file) ?? []));
  const notices = await Promise.all([...folders].sort().map((folder) => noticeOf(join(root, folder))));
  const titlesOf = new Map<string, Set<string>>();
  for (const { title, text } of notices) titlesOf.set(text, (titlesOf.get(text) ?? new Set()).add(title));
  const all = [...titlesOf].map(([text, titles]) => `${LINE}\n${[...titles].sort().join("\n")}\n\n${text}\n`).sort();
  return `This package holds code of the packages below, each under the licence that stands with it.\n\n${all.join("\n")}`;
}

/** The folder of the package that a file belongs to: what stands behind the last `node_modules`, with its scope. */
const packageOf = (file: string): string | undefined => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];

async function noticeOf(folder: string): Promise<{ title: string; text: string }> {
  const manifest: { name?: string; version?: string; license?: string } = JSON.parse(
    await readFile(join(folder, "package.json"), "utf8"),
  );
  const { name, version, license } = manifest;
  if (!name || !version || !license) throw new Error(`${folder} says no name, version or licence in its package.json`);
  const files = (await readdir(folder)).filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  const said = texts.map((text) => text.replaceAll("\r\n", "\n").trim()).join("\n\n");
  return { title: `${name} ${version}: ${license}`, text: said || "It has no file that says more." };
}
