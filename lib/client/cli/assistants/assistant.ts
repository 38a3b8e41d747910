import type { Io } from "../io.ts";

/** Our name in the settings of every assistant. */
export const SERVER_NAME = "agent-dispatch";

/**
 * For how long an assistant waits for an answer, in ms: no call of ours takes longer than 50 s, but some assistants give up
 * after 5 s where they are told nothing.
 */
export const CALL_TIMEOUT_MS = 120_000;
/** The same for the start, which may be that of a local system. */
export const START_TIMEOUT_MS = 60_000;

/** A program that speaks MCP over its standard streams, as an assistant starts it. */
export type Server = { command: string; args: readonly string[] };

/** What decides where an assistant keeps its settings. */
export type Machine = { env: Io["env"]; platform: NodeJS.Platform };

type Words = readonly [string, ...string[]];

/** One thing to do: a file that becomes another, or a command of the assistant's own program. */
export type Step =
  | {
      kind: "file";
      file: string;
      after: string;
      /** What of it goes, and what comes, in lines that may be shown. */
      gone: readonly string[];
      come: readonly string[];
    }
  | {
      kind: "command";
      words: Words;
      /** The same as it may be shown. */
      shown: Words;
      /** What brings back what an earlier step took away, should this one fail. */
      otherwise?: Words;
    };

export type Wish = {
  /** What is to be registered; undefined where nothing of ours is to be there. */
  server?: Server;
  /** Whether the assistant may call our tools without asking each time. */
  approve: boolean;
};

/** How we stand in the settings of an assistant: as a program that it starts, or by an address. */
export type Registration = { file: string } & (Server | { url: string });

/** An assistant that can be told of us. Whatever it keeps in a file that cannot be used is thrown as ConfigurationError. */
export type Assistant = {
  /** As `--client` names it. */
  name: string;
  /** As people call it. */
  title: string;
  /** As it is named on the PATH. */
  program: string;
  /** A folder that is there where it is used. */
  folder(machine: Machine): string;
  /** What leads to the wish; nothing where it is so already. */
  plan(machine: Machine, wish: Wish): Step[];
  find(machine: Machine): Registration | undefined;
  /** What remains for a person to do before it works unattended. */
  note?: string;
};
