import { isObject, type JsonObject } from "../../contract/json.ts";
import { idOf } from "../requests.ts";
import { declaresTasks, tasksNotDeclared } from "./refusals.ts";

/**
 * The refusal of a `subscriptions/listen` that wants to hear of tasks from a client that does not declare them. To one that
 * does, the SDK's answer is right as it is: it acknowledges none of the task ids and closes the stream, so the client polls.
 * We push nothing because a stream holds a function, which bills for every second and ends after 15 minutes; and a task
 * changes in whichever process looks at it next, so that one with a stream would have to poll the store in the client's place.
 */
export function refuseListening(message: JsonObject): Response | undefined {
  const { method, params } = message;
  if (method !== "subscriptions/listen" || !isObject(params) || !isObject(params.notifications)) return undefined;
  const { notifications, _meta } = params;
  if (notifications.taskIds === undefined) return undefined;
  if (declaresTasks(_meta)) return undefined;
  const { code, message: text, data } = tasksNotDeclared();
  return Response.json({ jsonrpc: "2.0", error: { code, message: text, data }, id: idOf(message) }, { status: 400 });
}
