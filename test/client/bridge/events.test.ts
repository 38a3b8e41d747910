import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { expect, test } from "vitest";
import { makeEventReader } from "../../../lib/client/bridge/events.ts";

const line = fc.constantFrom(
  "data: {}",
  "data:x",
  "data",
  "data: é",
  "event: message",
  "event: other",
  ": hello",
  "id: 1",
  "",
  "",
  "retry: 5",
);
const text = fc
  .tuple(fc.array(line, { maxLength: 20 }), fc.constantFrom("\n", "\r\n", "\r"))
  .map(([lines, end]) => `${lines.join(end)}${end}${end}`);

/** What a parser of text finds, with its line ends as spaces. */
function expected(input: string): string[] {
  const found: string[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (!event || event === "message") found.push(data.replaceAll(/\s+/g, " ").trim());
    },
  });
  parser.feed(`${input}\n`);
  return found.filter((data) => data !== "");
}

test("events are what a parser of text finds, however the stream is cut", () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(), { maxLength: 5 }), (input, at) => {
      const bytes = Buffer.from(input);
      const cuts = [...at.map((n) => n % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b);
      const reader = makeEventReader();
      const found = cuts.slice(1).flatMap((end, index) => reader.add(bytes.subarray(cuts[index], end)));
      expect(found.map((data) => data.toString().replaceAll(/ +/g, " ").trim()).filter((data) => data !== "")).toEqual(
        expected(input),
      );
    }),
    { numRuns: 1000 },
  );
});

test("what keeps a stream alive adds up to nothing, and a byte order mark is none of it", () => {
  const reader = makeEventReader();
  expect(reader.add(Buffer.from("\ufeffdata: 1\n\n")).map(String)).toEqual(["1"]);
  for (let n = 0; n < 100; n++) expect(reader.add(Buffer.from(": still here\n\n"))).toEqual([]);
  expect(reader.unfinished()).toBe(0);
  reader.add(Buffer.from("data: 12"));
  expect(reader.unfinished()).toBe(8);
});
