import { sessionUsd } from "../../lib/contract/costs/compute.ts";

/** Tasks that a whole run dispatches, at most; `test/live/live.test.ts` counts them. */
export const MOST_TASKS = 24;
/** A task of the suite ends by itself after this. */
export const TASK_SECONDS = 120;
/** A machine's start, the time that a job has to end, and a stop that is late. */
const AROUND_SECONDS = 90;

/** What a run may use of sessions: the time of all of them together, and their price if their machines are fully busy. */
export type Budget = { minutes: number; usd: number };
export const usualBudget: Budget = { minutes: 90, usd: 1 };

/** What so many seconds of sessions use of a budget. */
export const useOf = (seconds: number): Budget => ({ minutes: seconds / 60, usd: sessionUsd(seconds).most });

/** What a task whose job may take that long uses at most. */
export const mostOf = (jobSeconds: number): number => jobSeconds + AROUND_SECONDS;

export const exceeds = (use: Budget, budget: Budget): boolean => use.minutes > budget.minutes || use.usd > budget.usd;

export const said = ({ minutes, usd }: Budget): string =>
  `${minutes.toFixed(1)} minutes of sessions, $${usd.toFixed(3)}`;

/** Why a run must not begin with this budget; undefined when it may. */
export function refusal(budget: Budget): string | undefined {
  const planned = useOf(MOST_TASKS * mostOf(TASK_SECONDS));
  if (!exceeds(planned, budget)) return undefined;
  return `a run may take ${said(planned)}, which is more than the budget of ${said(budget)}: nothing was begun; raise --max-minutes or --max-usd`;
}
