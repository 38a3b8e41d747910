import { Argument, type Command } from "commander";
import type { Bind } from "../context.ts";
import { shells } from "./shells.ts";

/** How a shell completes what is typed; `complete` is what the shell's own lines call. */
export function addCompletion(program: Command, { context, done }: Bind): void {
  program
    .command("completion")
    .summary("Let your shell complete commands, options, tasks and profiles.")
    .description("Prints the lines that let a shell complete commands, options, task ids and runtime profiles.")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(shells)))
    .addHelpText("after", help)
    .action(async (shell) => done(await (await import("./completion.ts")).printScript(context, shell)));
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (words) => done(await (await import("./completion.ts")).complete(program, context, words)));
}

const help = `
Examples:
  agent-dispatch completion bash >> ~/.bashrc
  agent-dispatch completion zsh >> ~/.zshrc
  agent-dispatch completion fish > ~/.config/fish/completions/agent-dispatch.fish`;
