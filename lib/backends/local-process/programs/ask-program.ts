import { spawn } from "node:child_process";
import { once } from "node:events";

/** Gemini CLI takes seconds to say its version on a busy machine; one that hangs must hold up nobody for long. */
const ANSWER_MS = 20_000;
/** None of what is asked for is longer. */
const MAX_LENGTH = 64 * 1024;

/** What a program answered; an exit code of null says that it had to be ended, or never began. */
export type Asked = { exitCode: number | null; stdout: string };

/** Runs a program with nothing on its standard input, for 20 s at most, and leaves no process of it behind. Never throws. */
export async function askProgram(
  file: string,
  args: readonly string[],
  { env, cwd }: { env: Record<string, string>; cwd: string },
): Promise<Asked> {
  const child = spawn(file, args, { env, cwd, stdio: ["ignore", "pipe", "ignore"], detached: true });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (stdout.length < MAX_LENGTH) stdout += text;
  });
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nothing of it is left.
    }
  };
  // What it left behind would hold its output open.
  child.once("exit", end);
  const late = setTimeout(() => {
    end();
    child.stdout.destroy();
  }, ANSWER_MS);
  try {
    const [exitCode] = await once(child, "close");
    return { exitCode, stdout };
  } catch {
    return { exitCode: null, stdout };
  } finally {
    clearTimeout(late);
  }
}
