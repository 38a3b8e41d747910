/** A second process on the same store: `store-process.ts <what> <folder> <task id> [count]`. */
import { writeSync } from "node:fs";
import { toProblem } from "../../../lib/contract/errors.ts";
import { openTaskStore } from "../../../lib/store/sqlite/task-store.ts";
import { makeTask } from "../../contract/make-task.ts";

const [what, folder = "", id = "", count = "1"] = process.argv.slice(2);
const say = (value: unknown) => writeSync(1, `${JSON.stringify(value)}\n`);

try {
  const store = openTaskStore(folder);
  const increment = () => store.change(id, (task) => ({ ...task, workerSequence: task.workerSequence + 1 }));
  if (what === "create") say(await store.create(makeTask({ id })));
  if (what === "increment") for (let i = 0; i < Number(count); i++) await increment();
  // Says each number once it is stored, for ever.
  if (what === "write") for (;;) say((await increment()).workerSequence);
  // Writes until the disk is full, then says whether the store still answers and how far it came.
  if (what === "fill") {
    await store.create(makeTask({ id }));
    let written = 0;
    try {
      for (;;) {
        await store.appendLog([
          {
            taskId: id,
            offset: written * 4000,
            sequence: 100 + written,
            stream: "stdout",
            timestamp: "",
            text: "x".repeat(4000),
          },
        ]);
        written++;
      }
    } catch (error) {
      const kept = (await store.readLog(id, 0, 1e9)).nextCursor;
      say({ ...toProblem(error), kept: kept / 4000, written });
    }
  }
  store.close();
} catch (error) {
  say(toProblem(error));
}
