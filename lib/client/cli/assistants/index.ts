import type { Assistant } from "./assistant.ts";
import { claudeCode } from "./claude-code.ts";
import { codex } from "./codex.ts";
import { cursor, gemini, opencode, vsCode } from "./json-assistants.ts";

/** The assistants that can be told of us, in the order in which they are shown. */
export const assistants: readonly Assistant[] = [claudeCode, codex, gemini, opencode, cursor, vsCode];
