import fc from "fast-check";
import { expect, test } from "vitest";
import { parseJsonObject } from "../../lib/contract/json.ts";

test("halves of characters are replaced in names and in texts, and nothing else is changed", () => {
  expect(parseJsonObject('{"a\\ud800":["x\\uD800", "\\\\ud800"]}')).toEqual({ "a\ufffd": ["x\ufffd", "\\ud800"] });
  const parts = fc.constantFrom("\ud83d", "\ude00", "\\", "u", "d83d", "dE00", '"', "é", "\n", "\ud7ff", "\ue000");
  const texts = fc.array(parts, { maxLength: 8 }).map((some) => some.join(""));
  fc.assert(
    fc.property(texts, fc.boolean(), fc.boolean(), (text, isAscii, isUpper) => {
      const escaped = (char: string) => {
        const code = char.charCodeAt(0).toString(16).padStart(4, "0");
        return `\\u${isUpper ? code.toUpperCase() : code}`;
      };
      const json = JSON.stringify({ [text]: text });
      const sent = isAscii ? json.replace(/[\u0080-\uffff]/g, escaped) : json;
      expect(parseJsonObject(sent)).toEqual({ [text.toWellFormed()]: text.toWellFormed() });
    }),
  );
});
