import type { Command, Option } from "commander";

/** What may stand where the cursor is, and whether the names of files may as well. */
export type Candidates = { values: Candidate[]; files: boolean };
export type Candidate = { value: string; description: string };

/** What only a system or a configuration knows: the tasks and the runtime profiles that there are. */
export type Known = { tasks(place: Given): Promise<Candidate[]>; profiles(place: Given): Promise<Candidate[]> };

/** The options with a value that were written, by the names that the commands know them by. */
export type Given = Readonly<Record<string, string>>;

/** Arguments and options whose values are known, by their names in the description of a command. */
const dynamic: Readonly<Record<string, keyof Known>> = {
  id: "tasks",
  ids: "tasks",
  "--continue": "tasks",
  runtime: "profiles",
  profile: "profiles",
  "--runtime": "profiles",
};
/** What a value is called that is a path. */
const path = /^(?:file|folder)$/;

/** What may stand in place of the last of the words behind the program's name, which may be empty. */
export async function candidatesFor(program: Command, words: readonly string[], known: Known): Promise<Candidates> {
  const { before, last } = split(words);
  const { command, positionals, given, open } = read(program, before);
  const joined = /^(--[\w-]+)=(.*)$/.exec(last);
  const option = open ?? (joined ? optionOf(command, joined[1] ?? "") : undefined);
  if (option) {
    const found = await valuesOf(option.long ?? "", option, given, known);
    const prefix = open ? "" : `${option.long}=`;
    return narrowed({ ...found, values: found.values.map((one) => ({ ...one, value: prefix + one.value })) }, last);
  }
  if (last.startsWith("-")) return narrowed({ values: optionsOf(command), files: false }, last);
  const commands = positionals === 0 ? commandsOf(command) : [];
  const target = command.commands.length > 0 ? defaultOf(command) : command;
  const { registeredArguments = [] } = target ?? {};
  const argument = registeredArguments[positionals] ?? registeredArguments.findLast(({ variadic }) => variadic);
  const found = argument ? await valuesOf(argument.name(), argument, given, known) : { values: [], files: false };
  return narrowed({ values: [...commands, ...found.values], files: found.files }, last);
}

/** The words before the last, and the last: bash takes the sign of `--option=value` for a word of its own. */
function split(words: readonly string[]): { before: string[]; last: string } {
  const whole = words.filter((word, index) => word !== "=" || !words[index - 1]?.startsWith("--"));
  const isValue = words.at(-1) === "=" && whole.length < words.length;
  return isValue ? { before: whole, last: "" } : { before: whole.slice(0, -1), last: whole.at(-1) ?? "" };
}

/** The command that the words name, how many of its arguments are there, and the option whose value comes next. */
function read(program: Command, words: readonly string[]) {
  let command = program;
  let positionals = 0;
  let open: Option | undefined;
  const given: Record<string, string> = {};
  for (const word of words) {
    const taker = open;
    open = undefined;
    if (taker && !(taker.optional && word.startsWith("-"))) given[taker.attributeName()] = word;
    else if (word.startsWith("-")) {
      const [, name = word, value] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
      const option = optionOf(command, name);
      if (option && value !== undefined) given[option.attributeName()] = value;
      else if (option?.required || option?.optional) open = option;
    } else {
      const inner = positionals === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      if (inner) command = inner;
      else positionals += 1;
    }
  }
  return { command, positionals, given, open };
}

/** Options of a group are those of the command that it means without a further word. */
const optionOf = (command: Command, name: string): Option | undefined =>
  [command, defaultOf(command)]
    .flatMap((one) => one?.options ?? [])
    .find(({ long, short }) => name === long || name === short);

function optionsOf(command: Command): Candidate[] {
  const help = command.createHelp();
  return [command, defaultOf(command)]
    .flatMap((one) => (one ? help.visibleOptions(one) : []))
    .flatMap(({ long, description }) => (long ? [{ value: long, description }] : []));
}

const commandsOf = (command: Command): Candidate[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((one) => ({ value: one.name(), description: one.summary() || one.description() }));

/** The command of a group that is meant without a further word: one whose arguments the group has itself. */
function defaultOf(command: Command): Command | undefined {
  const name = defaultNames[command.name()];
  return command.commands.find((one) => one.name() === name);
}
const defaultNames: Readonly<Record<string, string>> = { artifacts: "list", local: "start", config: "check" };

type Taker = { argChoices?: string[] | undefined; flags?: string };

async function valuesOf(name: string, taker: Taker, given: Given, known: Known): Promise<Candidates> {
  if (taker.argChoices) return { values: taker.argChoices.map((value) => ({ value, description: "" })), files: false };
  const source = Object.hasOwn(dynamic, name) ? dynamic[name] : undefined;
  if (source) return { values: await known[source](given), files: false };
  const called =
    /<(\w+)>|\[(\w+)\]/
      .exec(taker.flags ?? "")
      ?.slice(1)
      .find(Boolean) ?? name;
  return { values: [], files: path.test(called) };
}

function narrowed({ values, files }: Candidates, last: string): Candidates {
  const once = new Map(values.map((one) => [one.value, one]));
  return { values: [...once.values()].filter(({ value }) => value.startsWith(last)), files };
}
