/** What a call that was given up rejects with: an AbortError, whose cause is why. */
export const abortError = ({ reason }: AbortSignal): DOMException =>
  reason instanceof DOMException && reason.name === "AbortError"
    ? reason
    : Object.assign(new DOMException("This operation was aborted", "AbortError"), { cause: reason });

/** Throws an AbortError where the signal was aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}
