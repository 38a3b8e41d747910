#!/usr/bin/env node
import type { LocalDoor, Place } from "../lib/client/door.ts";
import { lineLogger, toLogLevel } from "../lib/client/log.ts";
import { main } from "../lib/client/program.ts";
import { settings } from "../lib/domain/settings.ts";

const toOptions = ({ config, stateDir }: Place) => ({
  ...(config !== undefined && { configFile: config }),
  ...(stateDir !== undefined && { stateDir }),
});

/** The local system is loaded when it is needed: most commands only ask the one that runs. */
const local: LocalDoor = {
  async stateDir(place) {
    const { resolveStateDir } = await import("../lib/local/endpoint.ts");
    return resolveStateDir(toOptions(place)).stateDir;
  },
  async find(place) {
    const { findEndpoint } = await import("../lib/local/endpoint.ts");
    return findEndpoint(await local.stateDir(place));
  },
  async start({ port, ...place }) {
    const { startLocal } = await import("../lib/local/system.ts");
    const log = lineLogger(process.stderr, toLogLevel(process.env[settings.logLevel], "warn"));
    return startLocal({ ...toOptions(place), port, log });
  },
};

function onInterrupt(listener: (count: number) => void): () => void {
  let count = 0;
  const heard = () => listener(++count);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, heard);
  return () => {
    for (const signal of signals) process.off(signal, heard);
  };
}

// A reader such as head may leave before everything is written; nobody is there to be told.
process.stdout.on("error", () => process.exit(0));
process.stderr.on("error", () => {});

process.exitCode = await main(process.argv.slice(2), {
  io: { stdout: process.stdout, stderr: process.stderr, stdin: process.stdin, env: process.env },
  local,
  onInterrupt,
  exit: (code) => process.exit(code),
});
