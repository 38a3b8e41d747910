import { spawn } from "node:child_process";
import type { ServerResponse } from "node:http";
import { split } from "shlex";
import { encodeChunk } from "./wire.ts";

/** Runs a command as AgentCore does: its words split, no shell, an input that never ends, output as an event stream. */
export function runCommand(
  { command, timeout = 300 }: { command: string; timeout?: number | undefined },
  response: ServerResponse,
  lose: "answer" | "half" | undefined,
): void {
  const [program = "", ...words] = split(command);
  const send = (chunk: object) => response.write(encodeChunk(chunk));
  response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" });
  send({ contentStart: {} });
  const child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  let isLate = false;
  const kill = () => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, timeout * 1000);
  child.stdout.on("data", (data) => {
    send({ contentDelta: { stdout: String(data) } });
    if (lose) response.destroy();
  });
  child.stderr.on("data", (data) => send({ contentDelta: { stderr: String(data) } }));
  child.once("error", () => response.end(encodeChunk({ contentStop: { exitCode: -1, status: "COMPLETED" } })));
  child.once("close", (code) => {
    clearTimeout(timer);
    if (response.destroyed) return;
    response.end(encodeChunk({ contentStop: { exitCode: code ?? -1, status: isLate ? "TIMED_OUT" : "COMPLETED" } }));
  });
  response.once("close", () => {
    if (child.exitCode === null && child.signalCode === null) kill();
  });
}
