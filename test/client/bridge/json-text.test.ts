import fc from "fast-check";
import { expect, test } from "vitest";
import { elementsOf, inOneLine, membersOf, replaced, withMember } from "../../../lib/client/bridge/json-text.ts";

const texts = fc
  .json({ maxDepth: 4 })
  .chain((text) => fc.constantFrom(0, 1, "\t").map((indent) => JSON.stringify(JSON.parse(text), null, indent)));
const textOf = (text: Buffer, { start, end }: { start: number; end: number }) => text.toString("utf8", start, end);

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test("members and elements are where a parser finds them", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = Buffer.from(text);
      const value: unknown = JSON.parse(text);
      const members = membersOf(bytes);
      const elements = elementsOf(bytes);
      if (Array.isArray(value)) {
        expect(members).toBeUndefined();
        expect(elements?.map((span) => JSON.parse(textOf(bytes, span)))).toEqual(value);
      } else if (typeof value === "object" && value !== null) {
        expect(elements).toBeUndefined();
        const found = [...(members ?? [])].map(([name, span]) => [name, JSON.parse(textOf(bytes, span))]);
        expect(new Map(found as [string, unknown][])).toEqual(new Map(Object.entries(value)));
      } else expect([members, elements]).toEqual([undefined, undefined]);
    }),
    { numRuns: 500 },
  );
});

test("a text that is cut, or goes on, is neither an object nor an array", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (value, at) => {
      const whole = Buffer.from(JSON.stringify(value));
      expect(membersOf(whole.subarray(0, at % whole.length))).toBeUndefined();
      expect(membersOf(Buffer.concat([whole, Buffer.from("}")]))).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

/** Texts of JSON in which one byte may have become another, gone or been put in. */
const damaged = fc
  .tuple(
    fc.oneof(fc.json(), fc.json({ noUnicodeString: false })),
    fc.nat(),
    fc.constantFrom(...'{}[]",:\\u0-1.eE+tfn \n\u0001'),
    fc.nat(3),
  )
  .map(([text, at, put, how]) => {
    const place = at % (text.length + 1);
    return how === 0 ? text : text.slice(0, place) + (how === 3 ? "" : put) + text.slice(place + (how === 1 ? 0 : 1));
  });

test("what a parser does not take has neither members nor elements", () => {
  fc.assert(
    fc.property(damaged, (text) => {
      for (const [whole, read] of [
        [`{"a":${text}}`, membersOf],
        [`[${text}]`, elementsOf],
      ] as const) {
        expect([whole, read(Buffer.from(whole)) !== undefined]).toEqual([whole, parses(whole)]);
      }
    }),
    { numRuns: 5000 },
  );
});

test("objects and arrays may be open in each other a hundred thousand deep", () => {
  const nested = (depth: number) => Buffer.from(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`);
  expect(membersOf(nested(100_001))?.has("a")).toBe(true);
  expect(membersOf(nested(100_002))).toBeUndefined();
});

test("a member is added where it wins, and nothing else changes", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("a", "b", "key"), fc.jsonValue()), (given) => {
      const text = Buffer.from(JSON.stringify({ outer: given }, null, 1));
      const value = (JSON.parse(text.toString()) as { outer: object }).outer;
      const place = membersOf(text)?.get("outer");
      if (!place) throw new Error("no outer");
      expect(JSON.parse(withMember(text, place, "key", '"mine"').toString())).toEqual({
        outer: { ...value, key: "mine" },
      });
      expect(JSON.parse(replaced(text, place, "1").toString())).toEqual({ outer: 1 });
    }),
  );
});

test("a text in one line means the same", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const line = inOneLine(Buffer.from(text.replaceAll("\n", "\r\n")));
      expect(line.toString()).not.toMatch(/[\r\n]/);
      expect(JSON.parse(line.toString())).toEqual(JSON.parse(text));
    }),
  );
});
