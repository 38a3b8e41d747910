import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { openClient } from "../../../lib/store/dynamodb/dynamo-client.ts";
import { tableDescription } from "../../../lib/store/dynamodb/table.ts";
import { type Item, itemSize } from "./item-size.ts";

/** What one request cost, in write and read units; `sort` is the sort key of the item written. */
export type Cost = { command: string; sort: string; write: number; read: number; bytes: number };

const { partitionKey, sortKey, byOwner, open } = tableDescription;

/**
 * A client that computes what each request costs by DynamoDB's rules, because the stand-in counts neither indexes nor
 * refused writes nor empty answers: a write is charged for the larger of the item before and after, by the kilobyte, and
 * for each index whose entry changes; a read by 4 KB, at half price unless consistent.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
 *
 * They are kept in `costs`, or told to `note`.
 */
export async function meteredClient(endpoint: string, note?: (cost: Cost) => void) {
  const plain = await openClient({ endpoint });
  const client = await openClient({ endpoint });
  const costs: Cost[] = [];
  const keep = note ?? ((cost: Cost) => void costs.push(cost));

  async function stored(TableName: string, Key: Item): Promise<Item | undefined> {
    return (await plain.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item;
  }

  client.middlewareStack.add(
    (next, context) => async (args) => {
      const command = String(context.commandName);
      const input = args.input as Input;
      if (!/^(Put|Update|Delete)/.test(command)) {
        const answer = await next(args);
        keep({ command, sort: "", write: 0, ...readCost(input, answer.output as Output) });
        return answer;
      }
      const from = input.Item ?? input.Key ?? {};
      const key = { [partitionKey]: from[partitionKey], [sortKey]: from[sortKey] };
      const before = await stored(input.TableName, key);
      try {
        return await next(args);
      } finally {
        const after = await stored(input.TableName, key);
        const bytes = Math.max(itemSize(before), itemSize(after));
        keep({ command, sort: String(key[sortKey]), write: writeCost(before, after, bytes), read: 0, bytes });
      }
    },
    { step: "initialize" },
  );

  return {
    client,
    costs,
    close() {
      plain.destroy();
      client.destroy();
    },
  };
}

/** The sum of costs. */
export function total(costs: readonly Cost[]): { write: number; read: number } {
  return costs.reduce((sum, { write, read }) => ({ write: sum.write + write, read: sum.read + read }), {
    write: 0,
    read: 0,
  });
}

type Input = {
  TableName: string;
  Item?: Item;
  Key?: Item;
  ConsistentRead?: boolean;
  RequestItems?: Record<string, { ConsistentRead?: boolean }>;
};
type Output = { Item?: Item; Items?: Item[]; Responses?: Record<string, Item[]> };

const units = (bytes: number, kilobytes: number) => Math.max(1, Math.ceil(bytes / 1024 / kilobytes));

function readCost(input: Input, output: Output): { read: number; bytes: number } {
  if (input.RequestItems) {
    const [request] = Object.values(input.RequestItems);
    const sizes = Object.values(output.Responses ?? {}).flatMap((items) => items.map(itemSize));
    const read = sizes.reduce((sum, bytes) => sum + units(bytes, 4), 0);
    return { read: request?.ConsistentRead ? read : read / 2, bytes: Math.max(0, ...sizes) };
  }
  // A query is charged for all its items together.
  const bytes = (output.Items ?? [output.Item]).reduce((sum, item) => sum + itemSize(item), 0);
  const read = units(bytes, 4);
  return { read: input.ConsistentRead ? read : read / 2, bytes };
}

function writeCost(before: Item | undefined, after: Item | undefined, bytes: number): number {
  let cost = units(bytes, 1);
  for (const index of [byOwner, open]) {
    const names = [index.partitionKey, index.sortKey, partitionKey, sortKey];
    const [old, now] = [entry(before, names), entry(after, names)];
    if (JSON.stringify(old) === JSON.stringify(now)) continue;
    // Another key means another entry: one is deleted, one is put.
    for (const changed of [old, now]) if (changed) cost += units(itemSize(changed), 1);
  }
  return cost;
}

/** What an index that projects keys only holds of an item. */
function entry(item: Item | undefined, names: readonly string[]): Item | undefined {
  if (!item || names.some((name) => item[name] === undefined)) return undefined;
  return Object.fromEntries(names.map((name) => [name, item[name]]));
}
