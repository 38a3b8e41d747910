import * as z from "zod";
import { isErrorCode, nearestCode } from "./error-codes.ts";
import type { Problem } from "./errors.ts";

/** The fields of a problem as it arrives from a worker, an endpoint or a store, of this version or another. */
export const saidProblem = z.object({
  code: z.string().min(1).max(100),
  message: z.string().max(8000),
  retryable: z.boolean(),
  hint: z.string().max(2000).optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});

/** A problem that arrived; a code that is not in the table becomes the nearest one, and stands as it came in `details.code`. */
export const asKnown = ({ code, ...said }: z.infer<typeof saidProblem>): Problem =>
  isErrorCode(code) ? { code, ...said } : { code: nearestCode(code), ...said, details: { ...said.details, code } };

export const problemSchema = saidProblem.transform(asKnown);

const stored = z.object({ code: z.string(), message: z.string(), retryable: z.boolean() });
/** A problem that was stored: as long as it is, it is kept. */
export const storedProblem = z.custom<Problem>((value) => stored.safeParse(value).success, "is no problem");
