import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { shellSyntax, splitWords } from "../../worker/processes/split-words.ts";

/** What `sh` makes of the same words. */
function wordsOfShell(command: string): string[] {
  const printed = execFileSync("sh", ["-c", `printf '%s\\0' ${command}`], { stdio: ["ignore", "pipe", "ignore"] });
  return printed.toString().split("\0").slice(0, -1);
}

test("splits as a shell does", () => {
  // No `$` or backquote without a backslash: those a shell would expand.
  const piece = fc.oneof(
    fc.constantFrom("a", "b c", " ", "\\\\", "\\'", '\\"', "\\$x", "\\`", "\\ ", "\\\n", "€", "'", '"'),
    fc.constantFrom(
      "'a b'",
      "'\"'",
      "'\\'",
      '"a b"',
      '"\'"',
      '"\\$x"',
      '"\\`"',
      '"\\\\"',
      '"\\""',
      '"\\a"',
      '"a\\\nb"',
      '""',
    ),
  );
  const command = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => `w ${pieces.join("")}`);
  fc.assert(
    fc.property(command, (text) => {
      let expected: string[] | undefined;
      try {
        expected = wordsOfShell(text);
      } catch {
        return; // not a whole command for the shell either
      }
      expect(splitWords(text)).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

test("a dollar sign before double quotes begins no other kind", () => {
  expect(splitWords(`w $$"\\'" "a"$$"b"`)).toEqual(["w", "$\\'", "a$b"]);
});

test("a quote or a backslash that is not closed is an error", () => {
  for (const text of ["'a", '"a', "a\\", "'a\"", `"a'`]) expect(() => splitWords(text)).toThrow();
});

test.each([
  ["ls | wc -l", "|"],
  ["ls|wc", "|"],
  ["cd x && make", "&&"],
  ["a || b", "||"],
  ["cd x; make", ";"],
  ["make > out.txt", ">"],
  ["make >>out.txt", ">>"],
  ["make 2>&1", "2>"],
  ["sort < in", "<"],
  ["sleep 5 &", "&"],
  ["echo $(date)", "$("],
  ["echo `date`", "`"],
  ["grep '|' \">\" \\; \\> a", undefined],
  ["curl http://x/?a=1&b=2;c", undefined],
  ["node -e 'a && b; c > d'", undefined],
  ["printf a->b", undefined],
])("in %j only a shell would understand %s", (command, syntax) => {
  expect(shellSyntax(command)).toBe(syntax);
});
