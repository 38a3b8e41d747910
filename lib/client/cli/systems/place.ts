import { InvalidInputError } from "../../../contract/errors.ts";
import { defined } from "../../../contract/json.ts";
import type { LocalPlace, Target } from "../../http/door.ts";
import { optionName, refuseEmpty, targetOf } from "../../http/target.ts";
import { quote } from "../command-name.ts";

/** Which system is meant, as the options of a command say it. */
export type Place = LocalPlace & { endpoint?: string; stack?: string; region?: string; profile?: string };

const names = ["config", "stateDir", "endpoint", "stack", "region", "profile"] as const;
const elsewhere = ["endpoint", "stack", "region", "profile"] as const;

/** The system that the options name, else the environment, else the local one. Throws RefusedError as `targetOf` does. */
export const targetOfPlace = (place: Place, env: Readonly<Record<string, string | undefined>>): Target =>
  targetOf(placeOf(place), env);

/** A command has other options too. */
const placeOf = (place: Place): Place => defined(Object.fromEntries(names.map((name) => [name, place[name]])));

/**
 * The place of a command about this machine alone: of `what`, in words. Throws InvalidInputError for options that name one
 * elsewhere.
 */
export function onThisMachine(place: Place, what: string): LocalPlace {
  refuseEmpty(placeOf(place));
  const named = elsewhere.filter((name) => place[name] !== undefined);
  if (named.length > 0) {
    const message = `does not go with ${what}`;
    throw new InvalidInputError(named.map((name) => ({ path: optionName(name), message })));
  }
  const { config, stateDir } = place;
  return defined({ config, stateDir });
}

/** The options that name a system, as words behind a command of ours; empty where none is needed. */
export const placeWords = (place: Place): string =>
  names.map((name) => (place[name] ? ` ${optionName(name)} ${quote(place[name])}` : "")).join("");
