/**
 * What changes between two texts of which one place differs: the lines that go, and those that come. A line that only gains
 * a comma is not shown: it belongs to somebody else, and may hold what is secret.
 */
export function changedLines(before: string, after: string): { gone: string[]; come: string[] } {
  const [old, fresh] = [before, after].map((text) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"))) as [
    string[],
    string[],
  ];
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head++;
  let tail = 0;
  while (tail < old.length - head && tail < fresh.length - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail++;
  const gone = old.slice(head, old.length - tail);
  const come = fresh.slice(head, fresh.length - tail);
  const withoutComma = (line: string | undefined) => line?.trimEnd().replace(/,$/, "");
  if (gone.length > 0 && withoutComma(gone[0]) === withoutComma(come[0]))
    return { gone: gone.slice(1), come: come.slice(1) };
  return { gone, come };
}
