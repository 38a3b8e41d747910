import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { optionsToFind } from "../../../lib/system/local/endpoint.ts";
import { temporaryFolder } from "../system.ts";

test("a system whose configuration is the person's own is found by its state alone", () => {
  const root = temporaryFolder();
  const [stateDir, cwd] = [join(root, "state"), join(root, "here")];
  for (const folder of [stateDir, cwd]) mkdirSync(folder);
  const configFile = join(stateDir, "agentdispatch.config.json");
  writeFileSync(configFile, "{}");
  expect(optionsToFind({ stateDir, configFile }, cwd)).toEqual({ stateDir });
  // A file of the folder would count instead.
  writeFileSync(join(cwd, "agentdispatch.config.json"), "{}");
  expect(optionsToFind({ stateDir, configFile }, cwd)).toEqual({ config: configFile, stateDir });
});
