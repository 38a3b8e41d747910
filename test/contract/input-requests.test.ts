import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, test } from "vitest";
import {
  allowedText,
  inputRequestsOf,
  questionText,
  readQuestions,
  uniqueKeys,
} from "../../lib/contract/input-requests.ts";
import { defaultResponse, readResponses, responsesIn, toldAnswer } from "../../lib/contract/questions/responses.ts";

const text = { type: "object", properties: { answer: { type: "string" } }, required: ["answer"] };
const asked = (message: string, requestedSchema: object = text) => ({
  method: "elicitation/create",
  params: { mode: "form", message, requestedSchema },
});
const form = {
  type: "object",
  properties: {
    size: { type: "string", enum: ["S", "M"], default: "M" },
    count: { type: "integer", minimum: 1, maximum: 9 },
    gift: { type: "boolean" },
    extras: { type: "array", items: { type: "string", enum: ["bow", "card"] }, maxItems: 1 },
  },
  required: ["size", "count"],
};

describe("a question", () => {
  test.each([
    ["nothing at all", {}, undefined, { question: asked("the agent needs input") }],
    ["the event's text", {}, "Which?", { question: asked("Which?") }],
    ["a message", { message: "Which?" }, undefined, { question: asked("Which?") }],
    ["a text by its key", { colour: "Which?" }, "x", { colour: asked("Which?") }],
    ["messages by their keys", { a: { message: "A?" }, b: {} }, "x", { a: asked("A?"), b: asked("b") }],
    ["a form alone", { message: "How?", requestedSchema: form }, undefined, { question: asked("How?", form) }],
    ["a request of MCP", asked("How?", form), undefined, { question: asked("How?", form) }],
    ["requests of MCP by their keys", { how: asked("How?", form) }, undefined, { how: asked("How?", form) }],
    ["a key called message", { message: { message: "What?" } }, undefined, { message: asked("What?") }],
    [
      "what is no form of MCP",
      { how: { message: "How?", requestedSchema: { type: "object", properties: { a: { type: "object" } } } } },
      undefined,
      { how: asked("How?") },
    ],
  ])("may be written as %s, and has one shape", (_name, payload, message, expected) => {
    const requests = inputRequestsOf(payload, message);
    expect(requests).toEqual(expected);
    for (const request of Object.values(requests)) expect(ElicitRequestSchema.safeParse(request).success).toBe(true);
    expect(inputRequestsOf(requests)).toEqual(requests);
  });

  test("has a default in the fields of its form", () => {
    const { a, b } = inputRequestsOf({
      a: { message: "A?", default: "this" },
      b: { message: "B?", requestedSchema: form, default: { count: 2 } },
    });
    expect(a && defaultResponse(a)).toEqual({ action: "accept", content: { answer: "this" } });
    expect(b && defaultResponse(b)).toEqual({ action: "accept", content: { size: "M", count: 2 } });
    const [without] = Object.values(inputRequestsOf({ c: { message: "C?", requestedSchema: form } }));
    expect(without && defaultResponse(without)).toBeUndefined();
  });

  test("never has the key of another one", () => {
    const used = new Set<string>();
    const keys = () => [...uniqueKeys(readQuestions({ which: "?", "which-2": "?" }), used).keys()];
    expect([keys(), keys()]).toEqual([
      ["which", "which-2"],
      ["which-3", "which-2-2"],
    ]);
  });

  test("stays short, however long the job wrote it", () => {
    const many = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`k${i}${"x".repeat(200)}`, "y".repeat(9000)]),
    );
    expect(JSON.stringify(inputRequestsOf(many)).length).toBeLessThan(20_000);
    const wide = { ...form, properties: { a: { type: "string", enum: Array(5000).fill("abc") } } };
    expect(inputRequestsOf({ a: { message: "A?", requestedSchema: wide } })).toEqual({ a: asked("A?") });
  });

  test("is read by a person, with what may be answered", () => {
    const requests = inputRequestsOf({ a: "A?", b: { message: "B?", requestedSchema: form } });
    expect(questionText(requests)).toBe("A?\nB?");
    expect(Object.values(requests).map(allowedText)).toEqual([
      undefined,
      'size: one of "S", "M", count: a whole number, 1 at least, 9 at most, gift: true or false, extras: a list of "bow", "card", 1 at most',
    ]);
  });
});

describe("an answer", () => {
  const requests = inputRequestsOf({ a: "A?", how: { message: "How?", requestedSchema: form } });
  const good = { size: "S", count: 3, gift: true, extras: ["bow"] };

  test.each([
    ["a text", { a: "red" }, { a: { action: "accept", content: { answer: "red" } } }],
    ["the fields", { how: good }, { how: { action: "accept", content: good } }],
    ["of MCP", { how: { action: "accept", content: good } }, { how: { action: "accept", content: good } }],
    ["refused", { a: { action: "decline", content: null } }, { a: { action: "decline" } }],
    [
      "in texts",
      { how: { size: "S", count: "3", gift: "yes", extras: "bow" } },
      { how: { action: "accept", content: good } },
    ],
  ])("may be %s", (_name, given, responses) => {
    expect(readResponses(requests, given)).toEqual({ responses, issues: [] });
  });

  test.each([
    [{ b: "x" }, "responses.b", 'is not asked; asked is "a", "how"'],
    [{ a: 5 }, "responses.a.answer", "must be a text"],
    [{ a: { action: "maybe" } }, "responses.a", expect.stringContaining('"accept" | "decline" | "cancel"')],
    [{ a: { reply: "x" } }, "responses.a.reply", "is no field of the form, which has answer"],
    [{ how: "M" }, "responses.how", "must be an object with the fields size, count, gift, extras"],
    [{ how: { count: 1 } }, "responses.how.size", "is required"],
    [{ how: { size: "L", count: 1 } }, "responses.how.size", 'must be one of "S", "M"'],
    [{ how: { size: "S", count: 1.5 } }, "responses.how.count", "must be a whole number, 1 at least, 9 at most"],
    [{ how: { size: "S", count: 1, gift: "perhaps" } }, "responses.how.gift", "must be true or false"],
    [
      { how: { action: "accept", content: { size: "S", count: 1, extras: ["bow", "card"] } } },
      "responses.how.content.extras",
      'must be a list of "bow", "card", 1 at most',
    ],
  ])("%j is refused by its field", (given, path, message) => {
    expect(readResponses(requests, given).issues).toContainEqual({ path, message });
  });

  test("in text is JSON by keys, or that of the first question", () => {
    expect(responsesIn('{"a":"x","how":{}}', requests)).toEqual({ a: "x", how: {} });
    expect(responsesIn("x", requests)).toEqual({ a: "x" });
    expect(responsesIn('{"b":"x"}', requests)).toEqual({ a: '{"b":"x"}' });
    expect(responsesIn('{"action":"decline"}', requests)).toEqual({ a: { action: "decline" } });
    expect(responsesIn("x", {})).toEqual({});
  });

  test("is told to a job the way it asked", () => {
    const response = { action: "accept", content: { answer: "x" } } as const;
    expect(toldAnswer({ isFree: true }, response)).toBe("x");
    expect(toldAnswer({ isFree: true }, { action: "decline" })).toBeNull();
    expect(toldAnswer({ isFree: false }, response)).toEqual(response);
  });
});
