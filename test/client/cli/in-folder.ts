import { afterEach, beforeEach } from "vitest";
import { makeFolder, removeFolder } from "./cli.ts";
import { endAllOf } from "./left-behind.ts";

/** Gives each test a folder of its own; whatever still runs in it is ended with the test. */
export function eachInFolder(use: (folder: string) => void): void {
  let folder = "";
  beforeEach(async () => {
    folder = await makeFolder();
    use(folder);
  });
  afterEach(async () => {
    endAllOf(folder);
    await removeFolder(folder);
  });
}
