import fc from "fast-check";
import { expect, test } from "vitest";
import { callHash, canonicalJson } from "../../lib/engine/idempotency.ts";

test("the hash is the sha256 of the canonical JSON", async () => {
  expect(canonicalJson({ b: [1, { d: null, c: "x" }], a: true })).toBe('{"a":true,"b":[1,{"c":"x","d":null}]}');
  expect(await callHash({ b: 1, a: 2 })).toBe("d3626ac30a87e6f7a6428233b3c68299976865fa5508e4267c5415c76af7a772");
});

test("the order of keys says nothing, everything else does", async () => {
  const shuffled = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(shuffled)
      : typeof value === "object" && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, item]) => [key, shuffled(item)]),
          )
        : value;
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.jsonValue(), async (one, other) => {
      expect(await callHash(shuffled(one))).toBe(await callHash(one));
      expect(canonicalJson(one) === canonicalJson(other)).toBe(
        JSON.stringify(JSON.parse(canonicalJson(one))) === JSON.stringify(JSON.parse(canonicalJson(other))),
      );
      expect(JSON.parse(canonicalJson(one))).toEqual(JSON.parse(JSON.stringify(one)));
    }),
  );
});

test("a key that is missing and one that is undefined are the same call", async () => {
  expect(await callHash({ a: 1, b: undefined })).toBe(await callHash({ a: 1 }));
  expect(await callHash({ a: 1 })).not.toBe(await callHash({ a: "1" }));
  expect(await callHash({ a: "\ud800" })).not.toBe(await callHash({ a: "\ud801" }));
});
