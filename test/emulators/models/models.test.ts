import { expect, onTestFinished, test } from "vitest";
import { startAnthropic } from "./anthropic.ts";
import { startGemini } from "./gemini.ts";
import type { ModelServer } from "./model-server.ts";
import { startOpenAi } from "./openai.ts";
import { scripted } from "./script.ts";

const KEY = "the-key";
const prompt = scripted("list the files", { run: "ls" }, { say: "there are none" });

type Said = { role: "user" | "model"; text: string };

/** How a client of each provider asks. */
const providers: {
  start: (key: string) => Promise<ModelServer>;
  unknownKey: number;
  ask: (said: Said[], key: string) => [string, object, object];
}[] = [
  {
    start: startAnthropic,
    unknownKey: 401,
    ask: (said, key) => [
      "/v1/messages?beta=true",
      { "x-api-key": key },
      {
        model: "m",
        messages: said.map(({ role, text }) => ({
          role: role === "model" ? "assistant" : role,
          content: [{ type: "text", text }],
        })),
      },
    ],
  },
  {
    start: startOpenAi,
    unknownKey: 401,
    ask: (said, key) => [
      "/v1/responses",
      { authorization: `Bearer ${key}` },
      {
        model: "m",
        input: said.map(({ role, text }) => ({
          type: "message",
          role: role === "model" ? "assistant" : role,
          content: [{ type: "input_text", text }],
        })),
      },
    ],
  },
  {
    start: startGemini,
    unknownKey: 400,
    ask: (said, key) => [
      "/v1beta/models/m:streamGenerateContent?alt=sse",
      { "x-goog-api-key": key },
      { contents: said.map(({ role, text }) => ({ role, parts: [{ text }] })) },
    ],
  },
];

test.each(providers)(
  "$start.name answers one step after the other, and takes only its key",
  async ({ start, ask, unknownKey }) => {
    const server = await start(KEY);
    onTestFinished(() => server[Symbol.asyncDispose]());
    const answer = async (said: Said[], key = KEY) => {
      const [path, headers, body] = ask(said, key);
      const response = await fetch(`${server.url}${path}`, {
        method: "POST",
        headers: { ...headers },
        body: JSON.stringify(body),
      });
      return { status: response.status, text: await response.text() };
    };
    const asked: Said = { role: "user", text: prompt };
    const first = await answer([asked]);
    expect(first.status).toBe(200);
    expect(first.text).toMatch(/"ls|\\"ls/);
    expect((await answer([asked, { role: "model", text: "" }])).text).toContain("there are none");
    // The next prompt of a conversation begins its own script.
    const next: Said[] = [asked, { role: "model", text: "" }, { role: "model", text: "there are none" }];
    const again = scripted("and now?", { say: "as before" });
    expect((await answer([...next, { role: "user", text: again }])).text).toContain("as before");
    expect((await answer([{ role: "user", text: scripted("x", { noModel: true }) }])).status).toBe(404);
    expect((await answer([{ role: "user", text: scripted("x", { limit: { resetsAt: 1 } }) }])).status).toBe(429);
    expect((await answer([asked], "another")).status).toBe(unknownKey);
    expect(server.requests).toHaveLength(6);
  },
);
