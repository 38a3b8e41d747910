import { MAX_ANSWER_SECONDS } from "../../../contract/configuration.ts";
import { type Answer, placeOf } from "../../answers.ts";
import type { TaskStore } from "../../port.ts";
import type { Item, Items } from "../items.ts";
import { answerLookupsKey, answerSort, answersPartition } from "../keys.ts";

type Answers = Pick<TaskStore, "findAnswer" | "noteLookup" | "answerStats" | "clearAnswers"> & {
  /** Puts an answer in its place. */
  putAnswer(owner: string, answer: Answer): Promise<void>;
};

/**
 * The answers that the same requests may have again, an item each, and one beside them with how often they were looked for.
 * That one says since when they count, so that clearing all is one write.
 */
export function answers(items: Items): Answers {
  const keyOf = (owner: string, key: string) => ({ pk: answersPartition(owner), sk: answerSort(placeOf(key)) });
  const read = async (owner: string) => {
    const found: Item[] = [];
    const where = { expression: "#pk = :pk", values: { pk: answersPartition(owner) } };
    for await (const page of items.pages({ where, consistent: false })) found.push(...page);
    const lookups = found.find(({ sk }) => sk === answerLookupsKey(owner).sk);
    const since = (sinceMs: number) => found.filter((item) => Number(item.at) > Math.max(sinceMs, clearedOf(lookups)));
    return { lookups, size: (sinceMs: number) => since(sinceMs).length };
  };

  return {
    async findAnswer(owner, key) {
      const found = await items.getAll([keyOf(owner, key), answerLookupsKey(owner)], true);
      const lookups = found.find(({ sk }) => sk === answerLookupsKey(owner).sk);
      const answer = found.find((item) => item.key === key && Number(item.at) > clearedOf(lookups));
      return answer && String(answer.taskId);
    },

    async noteLookup(owner, found) {
      const expression = found ? "ADD #hits :one" : "ADD #misses :one";
      await items.update(answerLookupsKey(owner), { expression, values: { one: 1 } });
    },

    async answerStats(owner, sinceMs) {
      const { lookups, size } = await read(owner);
      return { size: size(sinceMs), hits: Number(lookups?.hits ?? 0), misses: Number(lookups?.misses ?? 0) };
    },

    async clearAnswers(owner, { nowMs, sinceMs }) {
      const cleared = (await read(owner)).size(sinceMs);
      const expression = "SET #cleared = :now REMOVE #hits, #misses";
      await items.update(answerLookupsKey(owner), { expression, values: { now: nowMs } });
      return cleared;
    },

    async putAnswer(owner, { key, taskId, atMs }) {
      const expires = Math.ceil(atMs / 1000) + MAX_ANSWER_SECONDS;
      await items.put({ ...keyOf(owner, key), key, taskId, at: atMs, expires });
    },
  };
}

const clearedOf = (lookups: Item | undefined): number => Number(lookups?.cleared ?? Number.NEGATIVE_INFINITY);
