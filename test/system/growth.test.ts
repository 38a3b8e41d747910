import { afterAll, beforeAll, describe } from "vitest";
import { type Dynalite, startDynalite } from "../emulators/dynalite.ts";
import { growing, leavingFiles } from "./suites/growing.ts";
import { localSystem } from "./under-test.ts";

describe.concurrent("the local system", () => growing(localSystem()));

// Apart from the other suites on DynamoDB: a stand-in that stores thousands of files has no time for anybody else.
describe("the local system on DynamoDB", () => {
  let dynalite: Dynalite;
  beforeAll(async () => {
    dynalite = await startDynalite();
  });
  afterAll(() => dynalite?.stop());
  const storeOf = (stateDir: string) =>
    ({ kind: "dynamodb", table: stateDir.replaceAll(/[^\w-]/g, "-"), endpoint: dynalite.endpoint }) as const;

  leavingFiles(localSystem({ storeOf }));
});
