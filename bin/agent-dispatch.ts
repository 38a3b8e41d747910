import { resolve } from "node:path";
import { endWithReader, onDeparture } from "../lib/client/cli/interrupt.ts";
import type { LocalSystems } from "../lib/client/cli/local-system.ts";
import { main } from "../lib/client/cli/program.ts";
import { COMMAND_ACCOUNT } from "../lib/client/cli/run-call.ts";
import { claimForRun, isClaimedForRun } from "../lib/client/cli/run-claim.ts";
import type { LocalPlace } from "../lib/client/http/door.ts";
import { findLocal, stateDirOf } from "../lib/client/local/find.ts";

const toOptions = ({ config, stateDir }: LocalPlace) => ({
  ...(config !== undefined && { configFile: resolve(config) }),
  ...(stateDir !== undefined && { stateDir: resolve(stateDir) }),
});

/** The local system is loaded only where it is needed: most commands ask the one that runs. */
const local: LocalSystems = {
  async stateDir(place) {
    return stateDirOf(place);
  },
  async find(place) {
    const stateDir = stateDirOf(place);
    const found = await findLocal(stateDir);
    return found && { ...found, forRun: isClaimedForRun(stateDir, found.pid) };
  },
  async read(place) {
    const { openReading } = await import("../lib/system/reading.ts");
    return openReading(await local.stateDir(place));
  },
  async idsBeginning(place, prefix) {
    const { idsBeginning } = await import("../lib/system/reading.ts");
    return idsBeginning(stateDirOf(place), prefix);
  },
  async start({ port, forRun, store, onTask, ...place }) {
    const [{ startLocal }, { optionsToFind }, { describeObligations, endSessions, settleTask }, { shortRecord }] =
      await Promise.all([
        import("../lib/system/local.ts"),
        import("../lib/system/local/endpoint.ts"),
        import("../lib/system/local/settling.ts"),
        import("../lib/engine/record.ts"),
      ]);
    const system = await startLocal({
      ...toOptions(place),
      port,
      prewarm: !forRun,
      ...(store && { store }),
      ...(onTask && { onTask: (task) => onTask(shortRecord(task)) }),
    });
    if (forRun) claimForRun(system.stateDir);
    const { ports } = system;
    return {
      ...system,
      runsCommands: Object.hasOwn(ports.configuration().accounts, COMMAND_ACCOUNT),
      placeFrom: (folder) => optionsToFind(system, folder),
      settle: async (taskId, signal) => (await settleTask(ports, taskId, signal)).map(describeObligations),
      endSessions: (taskId) => endSessions(ports, taskId),
    };
  },
};

endWithReader();
const { stdout, stderr, stdin, env } = process;
void main(process.argv.slice(2), {
  io: { stdout, stderr, stdin, env },
  local,
  patienceMs: 30_000,
  onDeparture,
  exit: (code) => process.exit(code),
})
  // Everything is written and closed; a timer or socket that a library still holds must not keep anybody waiting.
  .then((exitCode) => process.exit(exitCode));
