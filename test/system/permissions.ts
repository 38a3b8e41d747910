import { witnessed } from "../emulators/requests/witness.ts";
import { Synthesis } from "../infra/synthesis.ts";
import { cloudConfiguration } from "./cloud-under-test.ts";

/** What the functions have done so far although the stack's policies would not have let them; empty when nothing. */
export async function forbiddenActions(): Promise<string[]> {
  const ours = { workerImageUri: "image", workerRoleArn: "role", sharedRuntimeArn: "runtime" };
  const { allowed } = cloudConfiguration(ours);
  const stack = await Synthesis.of({ allowed });
  return [...witnessed].flatMap(([name, actions]) => {
    const may = new Set(stack.allowedTo(stack.roleOf(name)).flatMap((statement) => statement.actions));
    return [...actions].filter((action) => !may.has(action)).map((action) => `${name} ${action}`);
  });
}
