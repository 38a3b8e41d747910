import fc from "fast-check";
import { expect, test } from "vitest";
import { previewFields, previewText, previewValue } from "../../lib/domain/preview.ts";

test("shows the first and the last part, and says what is between", () => {
  const preview = previewText(`begin${"x".repeat(1000)}end`, 200);
  expect(preview).toMatch(/^beginx+\n\[\.\.\. 888 characters left out \.\.\.\]\nx+end$/);
  expect(previewText("short", 200)).toBe("short");
  expect(previewValue({ a: 1 }, 200)).toBe('{"a":1}');
  expect(previewFields({ a: 1, b: "y".repeat(300) }, 100)).toEqual({ a: 1, b: expect.stringMatching(/^y+\n\[/) });
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
