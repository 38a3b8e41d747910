import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { DispatchError } from "../../../contract/errors.ts";
import type { Assistant, Machine, Registration, Server } from "./assistant.ts";
import { assistants } from "./index.ts";
import { findProgram } from "./on-path.ts";
import { type Connection, connectionOf } from "./server.ts";

/** How an assistant stands to us, and what to do about it. */
export type Standing = {
  name: string;
  title: string;
  status: "pass" | "warn" | "fail" | "none";
  message: string;
  fix?: string;
};

type Meant = {
  /** The system that is asked about, as one text that two of the same have in common. */
  system: string;
  /** The same for a connection that is registered. */
  systemOf(connection: Connection): Promise<string>;
  /** Where that system listens, if it is known. */
  url?: string | undefined;
};

/** How each assistant that is found on this machine stands to us. */
export async function examineAssistants(
  machine: Machine,
  found: readonly Assistant[],
  meant: Meant,
): Promise<Standing[]> {
  const standings = assistants.map(async (assistant) => {
    const { name, title } = assistant;
    const fix = `agent-dispatch init --client ${name}`;
    const tell = (status: Standing["status"], message: string, more: { fix?: string } = {}): Standing[] => [
      { name, title, status, message, ...more },
    ];
    try {
      const registration = assistant.find(machine);
      if (!registration) return found.includes(assistant) ? tell("none", "does not know us", { fix }) : [];
      const missing = missingOf(registration, machine);
      if (missing !== undefined) return tell("fail", `starts ${missing}, which is not there`, { fix });
      const other = await otherSystem(registration, meant);
      if (other !== undefined) return tell("warn", `is connected to another system: ${other}`, { fix });
      return tell("pass", `knows us, by ${registration.file}`);
    } catch (error) {
      if (!(error instanceof DispatchError)) throw error;
      return tell("fail", error.message, { fix: `mend that file, then ${fix}` });
    }
  });
  return (await Promise.all(standings)).flat();
}

/** The program that is to be started, or the file that it is to run, where there is none. */
function missingOf(registration: Registration, { env }: Machine): string | undefined {
  if ("url" in registration) return undefined;
  const { command, args } = registration;
  if (findProgram(command, env) === undefined) return command;
  const [script] = args;
  return script !== undefined && isAbsolute(script) && !existsSync(script) ? script : undefined;
}

async function otherSystem(registration: Registration, { system, systemOf, url }: Meant): Promise<string | undefined> {
  if ("url" in registration) return url === undefined || url === registration.url ? undefined : registration.url;
  const theirs = await systemOf(connectionOf(registration satisfies Server));
  return theirs === system ? undefined : theirs;
}
