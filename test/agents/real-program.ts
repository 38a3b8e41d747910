import type { Json } from "../../lib/contract/task.ts";
import type { ModelServer } from "../emulators/models/model-server.ts";
import type { Step } from "../emulators/models/script.ts";
import type { Package } from "./installed.ts";

/** What a program is told of the model: where it is, and the key that it takes; an empty one is none. */
export type Model = { url: string; key: string };

/** What is planted into a folder: an address instead of that of the model, and commands that tell a listener that they ran. */
export type Plant = { baseUrl?: string; hook: readonly string[]; mcpServer: readonly string[]; instructions: string };

/** An agent program of somebody else, as the suites need to know it. */
export type RealProgram = Package & {
  framework: string;
  startModel(key: string): Promise<ModelServer>;
  /** Makes a person's home who uses the program with that model; returns the environment of that person. */
  settle(home: string, model: Model): Record<string, string>;
  /** How somebody starts it by hand who trusts the folder; the prompt is on its standard input. */
  bare: { args: readonly string[]; env?: Record<string, string> };
  /** `runtime_tools` that let it run shell commands in its workspace. */
  permissive: Json;
  /** A tool that is denied, and what the model asks for; undefined where the program has no tools that can be denied. */
  denied?: { runtimeTools: Json; step: Step; tool: string };
  /** Whether it says when the limit of an account ends. */
  tellsReset: boolean;
  /** A model with a known price. */
  pricedModel: string;
  /** The steps with which the model answers by JSON. */
  answering(value: Json): Step[];
  /** Plants all that could steer the program. */
  plant(folder: string, what: Plant): void;
};

/** A command as a shell takes it. */
export const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(" ");
