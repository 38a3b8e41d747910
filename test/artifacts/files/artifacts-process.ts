import { newTaskId } from "../../../lib/contract/task-id.ts";
/** Tries to keep 1 MB in the folder, by `put` and by upload, and says what came of it. */

import { openArtifacts } from "../../../lib/artifacts/files/artifacts.ts";
import { toProblem } from "../../../lib/contract/errors.ts";
import { describeContent } from "../../contract/make-task.ts";

const [folder = ""] = process.argv.slice(2);
const content = new Uint8Array(1_000_000);
const artifacts = openArtifacts(folder, { baseUrl: () => "http://127.0.0.1", secret: new Uint8Array(32) });
const put = await artifacts.put(newTaskId(), "a", content, "").catch(toProblem);
const { url } = await artifacts.uploadTarget(newTaskId(), describeContent(content));
const { status } = await artifacts.serve(new Request(url, { method: "PUT", body: content }));
console.log(JSON.stringify({ put, status }));
