import { afterAll, describe } from "vitest";
import { clientOf } from "../../../lib/client/sdk/create-client.ts";
import { startSystem, temporaryFolder } from "../../system/system.ts";
import { clientSuite } from "./suite.ts";

describe("a client of a local system", () => {
  const closers: (() => unknown)[] = [];
  afterAll(async () => {
    for (const close of closers.reverse()) await close();
  });
  clientSuite(async () => {
    const atEnd = (close: () => unknown) => void closers.push(close);
    const stateDir = temporaryFolder(atEnd);
    const { url, token } = await startSystem(stateDir, { atEnd });
    return {
      url,
      target: { local: { stateDir } },
      place: { provider: "local", account_profile: "local", target: { mode: "session" } },
      behind: (between) => ({ client: clientOf({ local: {} }, { findLocal: async () => ({ url: between, token }) }) }),
    };
  });
});
