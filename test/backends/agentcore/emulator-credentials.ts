import { afterAll, beforeAll } from "vitest";
import { asEnvironment } from "../../emulators/agentcore/account.ts";
import { credentials } from "../../emulators/agentcore/emulator.ts";

/** Gives the tests of a file the credentials that the emulator knows, where the SDKs look for them. */
export function useEmulatorCredentials(): void {
  const before = { ...process.env };
  beforeAll(() => void Object.assign(process.env, asEnvironment(credentials)));
  afterAll(() => {
    process.env = before;
  });
}
