import { split } from "shlex";

/**
 * The words of a command as a POSIX shell splits them, without expanding anything. Throws when a quote is not closed.
 *
 * @example splitWords(`grep -e 'a b' "c\\$d"`) // ["grep", "-e", "a b", "c$d"]
 */
export function splitWords(command: string): string[] {
  return split(
    command.replace(QUOTED, (whole, inner: string | undefined) => {
      if (inner !== undefined) return literal(inner);
      // Before the quotes that follow it would begin $'...'.
      return whole === "$" ? "\\$" : whole;
    }),
  );
}

/**
 * What of a command only a shell would understand, such as `|` or `>`, as far as it stands outside quotes; undefined when
 * there is nothing of the kind.
 *
 * @example shellSyntax("ls | wc -l") // "|"
 */
export function shellSyntax(command: string): string | undefined {
  const words = command.replace(QUOTED, "_").split(/\s+/);
  return words.flatMap((word) => OPERATOR.exec(word)?.[0] ?? [])[0];
}

const OPERATOR = /\|+|^&&?$|;$|^\d*(?:>>?|<)|\$\(|`/;

// In order: an escaped character, a lone $ before $"...", $'...', '...', and the one of interest, "...".
const QUOTED = /\\[\s\S]|\$(?=\$")|\$'(?:[^'\\]|\\[\s\S])*'|'[^']*'|\$?"((?:[^"\\]|\\[\s\S])*)"/g;

/**
 * What stood between double quotes, in single ones. shlex keeps the backslash of `"\$"` and `` "\`" ``, which a shell
 * drops, and unescapes what precedes the quotes a second time.
 */
function literal(inner: string): string {
  const text = inner.replace(/\\(?:\n|([$`"\\]))/g, "$1");
  return `'${text.replaceAll("'", "'\\''")}'`;
}
