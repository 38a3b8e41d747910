import { setTimeout as pause } from "node:timers/promises";
import type { DynamoDBDocumentClient, QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import type { Key } from "./keys.ts";
import { explain, isOutcomeOpen, isRefusal, throttledError, wasRepeated } from "./store-errors.ts";

export type Item = Record<string, unknown>;

/** An expression whose names are written `#name` and whose values are given without their colons. */
type Clause = { expression: string; values?: Record<string, unknown>; names?: Record<string, string> };

/** What to read of one partition, in order of the sort key. */
export type Range = {
  where: Clause;
  index?: string;
  newestFirst?: boolean;
  /** Default true; an index cannot be read consistently. */
  consistent?: boolean;
  /** Items per request; default as many as fit into 1 MB. */
  pageSize?: number;
  startKey?: Item;
};

/** DynamoDB reads at most this many items in one request. */
const BATCH = 100;
const MAX_EMPTY_REPLIES = 6;

/**
 * The items of the table. Every method throws RetryableError `platform.store_throttled` or `platform.store_unavailable`
 * once the attempts are used up, and an error of the SDK for a request that DynamoDB calls invalid.
 */
export class Items {
  readonly #table: string;
  readonly #client: () => Promise<DynamoDBDocumentClient>;

  constructor(table: string, client: () => Promise<DynamoDBDocumentClient>) {
    this.#table = table;
    this.#client = client;
  }

  async get(Key: Key, ConsistentRead = true): Promise<Item | undefined> {
    const { sdk, client, TableName } = await this.#open();
    const { Item } = await this.#guard(client.send(new sdk.GetCommand({ TableName, Key, ConsistentRead })));
    return Item;
  }

  /** Those of the items that are there, in any order. */
  async getAll(keys: readonly Key[], ConsistentRead: boolean): Promise<Item[]> {
    const { sdk, client, TableName } = await this.#open();
    const found: Item[] = [];
    let left = keys.map(({ pk, sk }): Item => ({ pk, sk }));
    let shortened = 0;
    while (left.length > 0) {
      const RequestItems = { [TableName]: { Keys: left.slice(0, BATCH), ConsistentRead } };
      const { Responses, UnprocessedKeys } = await this.#guard(client.send(new sdk.BatchGetCommand({ RequestItems })));
      found.push(...(Responses?.[TableName] ?? []));
      const unread = UnprocessedKeys?.[TableName]?.Keys ?? [];
      left = [...unread, ...left.slice(BATCH)];
      // A reply is cut at 16 MB, which is no trouble; one that brings nothing at all means throttling.
      shortened = Responses?.[TableName]?.length || unread.length === 0 ? 0 : shortened + 1;
      if (shortened >= MAX_EMPTY_REPLIES) throw throttledError(this.#table);
      if (shortened > 0) await pause(Math.random() * 50 * 2 ** shortened);
    }
    return found;
  }

  /** The items of a range, page by page. */
  async *pages(range: Range): AsyncGenerator<Item[]> {
    let startKey = range.startKey;
    do {
      const { Items = [], LastEvaluatedKey } = await this.#query({ ...range, ...(startKey && { startKey }) });
      yield Items;
      startKey = LastEvaluatedKey;
    } while (startKey);
  }

  /** The first `limit` items of a range. */
  async first(range: Range, limit: number): Promise<Item[]> {
    const found: Item[] = [];
    if (limit < 1) return found;
    for await (const page of this.pages({ ...range, pageSize: Math.min(limit, 1000) })) {
      found.push(...page);
      if (found.length >= limit) break;
    }
    return found.slice(0, limit);
  }

  /** How many items a range holds. */
  async count(range: Range): Promise<number> {
    let count = 0;
    let startKey = range.startKey;
    do {
      const { Count = 0, LastEvaluatedKey } = await this.#query(
        { ...range, ...(startKey && { startKey }) },
        { Select: "COUNT" },
      );
      count += Count;
      startKey = LastEvaluatedKey;
    } while (startKey);
    return count;
  }

  /** Puts an item if the condition holds; false when it does not. `hasLanded`: as for `update`. */
  async put(Item: Key & Item, condition?: Clause, hasLanded?: () => Promise<boolean>): Promise<boolean> {
    const { sdk, client, TableName } = await this.#open();
    const command = new sdk.PutCommand({ TableName, Item, ...(condition && conditionOf(condition)) });
    return this.#settle(client.send(command), hasLanded);
  }

  /**
   * Updates an item, or makes it, if the condition holds; false when it does not. `hasLanded` reads whether this very write
   * took effect: it is asked when the answer does not say, because it was lost or because an attempt before it may have been
   * the one.
   */
  async update(Key: Key, update: Clause, condition?: string, hasLanded?: () => Promise<boolean>): Promise<boolean> {
    const { sdk, client, TableName } = await this.#open();
    const { ConditionExpression, ...rest } = conditionOf({ ...update, expression: condition ?? "" });
    const names = namesOf(`${update.expression} ${condition ?? ""}`, update.names);
    const command = new sdk.UpdateCommand({
      TableName,
      Key,
      UpdateExpression: update.expression,
      ...(condition !== undefined && { ConditionExpression }),
      ...rest,
      ExpressionAttributeNames: names,
    });
    return this.#settle(client.send(command), hasLanded);
  }

  /**
   * Deletes an item; false when it was not there. One that is gone after a lost answer counts as deleted here. The condition
   * says which of several was the one: what a delete returns of the item it can return to more of them, on DynamoDB Local.
   */
  async remove(Key: Key): Promise<boolean> {
    const { sdk, client, TableName } = await this.#open();
    const command = new sdk.DeleteCommand({ TableName, Key, ...conditionOf({ expression: "attribute_exists(#pk)" }) });
    return this.#settle(client.send(command), async () => (await this.get(Key)) === undefined);
  }

  async #query(
    { where, index, newestFirst, consistent, pageSize, startKey }: Range,
    more: Partial<QueryCommandInput> = {},
  ) {
    const { sdk, client, TableName } = await this.#open();
    const { ConditionExpression: KeyConditionExpression, ...expressions } = conditionOf(where);
    const command = new sdk.QueryCommand({
      TableName,
      KeyConditionExpression,
      ...expressions,
      ConsistentRead: index === undefined && consistent !== false,
      ...(index !== undefined && { IndexName: index }),
      ...(newestFirst && { ScanIndexForward: false }),
      ...(pageSize !== undefined && { Limit: pageSize }),
      ...(startKey && { ExclusiveStartKey: startKey }),
      ...more,
    });
    return this.#guard(client.send(command));
  }

  async #open() {
    const [sdk, client] = await this.#guard(Promise.all([import("@aws-sdk/lib-dynamodb"), this.#client()]));
    return { sdk, client, TableName: this.#table };
  }

  async #guard<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw explain(error, this.#table);
    }
  }

  async #settle(answer: Promise<unknown>, hasLanded: (() => Promise<boolean>) | undefined): Promise<boolean> {
    try {
      await answer;
      return true;
    } catch (error) {
      const mayHaveLanded = isRefusal(error) ? wasRepeated(error) : isOutcomeOpen(error);
      if (mayHaveLanded && (await hasLanded?.())) return true;
      if (isRefusal(error)) return false;
      throw explain(error, this.#table);
    }
  }
}

function conditionOf({ expression, values, names }: Clause) {
  return {
    ConditionExpression: expression,
    ExpressionAttributeNames: namesOf(expression, names),
    ...(values && {
      ExpressionAttributeValues: Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])),
    }),
  };
}

/** Every name goes through a placeholder: hundreds of words are reserved. */
function namesOf(expression: string, names: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(
    [...expression.matchAll(/#(\w+)/g)].map(([token, name = ""]) => [token, names[name] ?? name]),
  );
}
