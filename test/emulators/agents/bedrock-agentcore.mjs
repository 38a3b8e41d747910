/** An agent made with npm's bedrock-agentcore, as a container runs it. Its prompt says what it does. */
import { BedrockAgentCoreApp } from "bedrock-agentcore/runtime";

async function* streamed(prompt) {
  if (prompt.includes("objects")) yield { step: 1 };
  if (prompt.includes("objects")) return void (yield { done: true });
  if (prompt.includes("code")) return void (yield* ["const a = ", "{}", "; return a", " done"]);
  for (const piece of ["Hello", " ", "42", "\nworld", " 二"]) yield piece;
  if (prompt.includes("throw")) throw new Error("the model is gone");
}

const app = new BedrockAgentCoreApp({
  invocationHandler: {
    process: async ({ prompt }) => {
      if (prompt.includes("stream")) return streamed(prompt);
      if (prompt.includes("throw")) throw new Error("the tool is gone");
      return { answer: prompt };
    },
  },
});
app.run({ port: Number(process.env.PORT), host: "127.0.0.1" });
