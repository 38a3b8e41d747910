import fc from "fast-check";
import { expect, test } from "vitest";
import { previewText, previewValue } from "../../lib/contract/preview.ts";

test("shows the first and the last part, and says what is between", () => {
  const preview = previewText(`begin${"x".repeat(1000)}end`, 200);
  expect(preview).toMatch(/^beginx+\n\[\.\.\. 888 characters left out \.\.\.\]\nx+end$/);
  expect(previewText("short", 200)).toBe("short");
  expect(previewValue({ a: 1 }, 200)).toEqual({ a: 1 });
});

test("fits, and never splits a surrogate pair", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), fc.integer({ min: 80, max: 300 }), (text, max) => {
      const preview = previewText(text, max);
      expect(preview.length).toBeLessThanOrEqual(max);
      expect(preview.isWellFormed()).toBe(true);
    }),
  );
});

test("keeps the type, and the fields that are short", () => {
  const result = { exitCode: 0, output: "o".repeat(5000), lines: Array.from({ length: 900 }, (_, i) => i) };
  expect(previewValue(result, 1000)).toEqual({
    exitCode: 0,
    output: expect.stringMatching(/^o+\n\[\.\.\. \d+ characters left out \.\.\.\]\no+$/),
    lines: expect.arrayContaining([0, 1, "[... 896 items left out ...]", 899]),
  });
  const wide = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, i]));
  expect(previewValue(wide, 1000)).toEqual({
    ...{ f0: 0, f1: 1, f2: 2, f3: 3, f4: 4, f5: 5 },
    "...": "[... 490 fields left out ...]",
    ...{ f496: 496, f497: 497, f498: 498, f499: 499 },
  });
});

test("is of the same type, and not much longer than it may be, whatever the value is", () => {
  const typeOf = (value: unknown) => (Array.isArray(value) ? "list" : value === null ? "null" : typeof value);
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 200, max: 2000 }), (value, max) => {
      const preview = previewValue(value, max);
      expect(typeOf(preview)).toBe(typeOf(value));
      if (JSON.stringify(value).length <= max) expect(preview).toEqual(value);
    }),
  );
  const big = {
    rows: Array.from({ length: 3000 }, (_, i) => ({ id: i, text: "t".repeat(300), more: { deep: ["x".repeat(50)] } })),
  };
  expect(JSON.stringify(previewValue(big, 8000)).length).toBeLessThan(16_000);
});
