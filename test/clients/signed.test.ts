import { test } from "vitest";
import { expectListed } from "./signed.ts";

test("TypeScript, as it is documented", () =>
  expectListed("TypeScript", "call.ts", (file) => [process.execPath, file]));
