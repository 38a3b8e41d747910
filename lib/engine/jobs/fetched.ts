import { MAX_REPLY, replySize } from "../../contract/replies/reply-size.ts";
import { type Task, without } from "../../contract/task.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import { pageOf } from "../service/result-text.ts";
import { type Kept, seenOf } from "./results.ts";

/** What a parsed value may take of a reply; beside it is room for errors, hints and some of the text. */
const MAX_PARSED = (MAX_REPLY * 3) / 4;
const AS_JSON = "result is the JSON of parsed_result, which has no room beside it: read all of it, then parse it";

/**
 * A page of what an agent said, with all else that it came to. The first page has the parsed value; where a reply has no
 * room for it, its JSON is what is read in pages.
 */
export async function fetchedPage(
  ports: Kept,
  task: Task,
  { offset, maxChars }: { offset: number; maxChars: number | undefined },
): Promise<ToolResult<"fetch_result">> {
  const whole = await seenOf(ports, without(task, "summaryChars"), Number.POSITIVE_INFINITY);
  const { result: said = "", parsed_result, ...fields } = whole;
  const isJson = parsed_result !== undefined && replySize(parsed_result) > MAX_PARSED;
  const beside = {
    ...fields,
    ...(isJson && { hint: fields.hint === undefined ? AS_JSON : `${fields.hint}; ${AS_JSON}` }),
    ...(parsed_result !== undefined && !isJson && offset === 0 && { parsed_result }),
  };
  const page = { offset, maxChars, taken: replySize(beside) };
  const { text, nextOffset, textLength } = pageOf(isJson ? JSON.stringify(parsed_result) : said, page);
  const isCut = nextOffset !== undefined || offset > 0;
  return {
    ...beside,
    result: text,
    ...(isCut && { truncated: true, full_size: textLength }),
    ...(nextOffset !== undefined && { next_offset: nextOffset }),
  };
}
