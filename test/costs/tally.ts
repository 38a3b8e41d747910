import { AsyncLocalStorage } from "node:async_hooks";

/** What one function was counted to do. */
export type Work = {
  invocations: number;
  /** Milliseconds of virtual time for which it waited for a worker. */
  heldMs: number;
  /** Requests to DynamoDB, AgentCore and S3. */
  requests: number;
  write: number;
  read: number;
  /** Of its log. */
  logBytes: number;
};

const nothing = (): Work => ({ invocations: 0, heldMs: 0, requests: 0, write: 0, read: 0, logBytes: 0 });
/** What CloudWatch Logs adds to each line: https://aws.amazon.com/cloudwatch/pricing/ */
const LINE_OVERHEAD_BYTES = 26;

/** Counts what is done, function by function; what belongs to none is not counted. */
export class Tally {
  readonly work: Record<string, Work> = {};
  readonly #current = new AsyncLocalStorage<string>();

  /** Does the work of an invocation of that function. */
  during<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.add({ invocations: 1 }, name);
    return this.#current.run(name, work);
  }

  add(more: Partial<Work>, name = this.#current.getStore()): void {
    if (name === undefined) return;
    const seen = this.work[name] ?? nothing();
    this.work[name] = seen;
    for (const [what, value] of Object.entries(more)) seen[what as keyof Work] += value;
  }

  /** Counts, and keeps from the terminal, what functions print while `work` is done. */
  async hearing<T>(work: () => Promise<T>): Promise<T> {
    const { write } = process.stdout;
    process.stdout.write = ((text: string | Uint8Array, ...rest: unknown[]) => {
      if (this.#current.getStore() === undefined) return write.call(process.stdout, text, ...(rest as []));
      this.add({ logBytes: Buffer.byteLength(text) + LINE_OVERHEAD_BYTES });
      return true;
    }) as typeof write;
    try {
      return await work();
    } finally {
      process.stdout.write = write;
    }
  }
}
