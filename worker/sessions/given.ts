import type { SessionConfig } from "../config.ts";

/**
 * The settings of a session with what the configuration gives it as its job starts: as if the worker had been started with
 * that.
 */
export const withGiven = (config: SessionConfig, given: Readonly<Record<string, string>> | undefined): SessionConfig =>
  given === undefined
    ? config
    : {
        ...config,
        jobEnv: { ...config.jobEnv, ...given },
        givenNames: new Set([...config.givenNames, ...Object.keys(given)]),
      };
