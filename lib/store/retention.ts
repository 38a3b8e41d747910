/** For so long a task may be queued and run before the time begins for which it is kept. */
const MARGIN_DAYS = 30;

/** Epoch seconds from which what is kept beside a task may be deleted: after the task itself, whenever that ends. */
export const beyondRetention = (nowMs: number, retentionDays: number): number =>
  Math.ceil(nowMs / 1000) + (retentionDays + MARGIN_DAYS) * 86_400;
