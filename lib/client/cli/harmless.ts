import type { Output } from "./io.ts";

/** Control characters other than the ends of lines and tabs, and those that turn the direction of text. */
const harmful = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text of a job as it may be shown on this output: where that is a terminal, nothing in it can move the cursor, change
 * colours or title, answer in the person's name or hide other text; elsewhere it is as it was written.
 * @example harmless(terminal, "\u001b[2Jgone\r\n") // "^[[2Jgone\n"
 */
export function harmless(output: Output, text: string): string {
  if (!output.isTTY) return text;
  // A line that was drawn over by a carriage return is shown as lines of their own.
  return text
    .replaceAll(/\r+(?=\n|$)/g, "")
    .replaceAll(/\r+/g, "\n")
    .replaceAll(harmful, visible);
}

function visible(character: string): string {
  const code = character.charCodeAt(0);
  if (character === "\n" || character === "\t") return character;
  // As cat -v shows them.
  if (code < 0x20 || code === 0x7f) return `^${String.fromCharCode(code ^ 0x40)}`;
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** JSON holds no control character but these, which some terminals act on; escaped they mean the same. */
export const harmlessJson = (text: string): string =>
  text.replaceAll(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
