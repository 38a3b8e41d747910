import { expect, test } from "vitest";
import type { JsonObject } from "../../../../lib/contract/json.ts";
import { JsonLines } from "../../../../worker/frameworks/programs/json-lines.ts";

function reader(maxLength?: number) {
  const objects: JsonObject[] = [];
  const texts: string[] = [];
  const lines = new JsonLines(
    { object: (value) => objects.push(value), text: (text) => texts.push(text) },
    ...(maxLength === undefined ? [] : [maxLength]),
  );
  return { lines, objects, texts };
}

test("objects are told from other lines wherever the text is cut", () => {
  const text = 'plain\n{"a":"é\\n{"}\n\n[1]\n{"b":1\r\n{"c":2}\r\n{"d":3}';
  for (let size = 1; size <= text.length; size++) {
    const { lines, objects, texts } = reader();
    for (let at = 0; at < text.length; at += size) lines.write(text.slice(at, at + size));
    lines.end();
    expect(objects).toEqual([{ a: "é\n{" }, { c: 2 }, { d: 3 }]);
    expect(texts).toEqual(["plain\n", "[1]\n", '{"b":1\r\n']);
  }
});

test("a line that is too long is left out, said so, and what follows is read", () => {
  const { lines, objects, texts } = reader(20);
  for (let count = 0; count < 10; count++) lines.write('{"long":"');
  lines.write('"}\n{"a":1}\n');
  lines.end();
  expect(objects).toEqual([{ a: 1 }]);
  expect(texts).toEqual([expect.stringContaining("more than 20 characters")]);
});
