/** Times that a call to a model is tried again. */
const MAX_RETRIES = 2;
/** A longer pause, as for the limit of an account, is not waited for. */
const MAX_PAUSE_MS = 60_000;

/**
 * A plugin for opencode, which tries a call again unseen, five times and for as long as a provider asks it to wait: it says so, and
 * ends the program when that is too often or too long; `next` is when the provider would answer again after a long pause.
 * @see https://opencode.ai/docs/plugins/
 */
export const retryWatch = `export const RetryWatch = async () => ({
  event: async ({ event }) => {
    const status = event.type === "session.status" ? event.properties.status : undefined;
    if (status?.type !== "retry") return;
    const { attempt, message, next } = status;
    const { sessionID } = event.properties;
    const isLong = next - Date.now() > ${MAX_PAUSE_MS};
    const isTooMuch = attempt > ${MAX_RETRIES} || isLong;
    const until = isLong ? { next } : {};
    const line = JSON.stringify({ type: isTooMuch ? "gave_up" : "retry", sessionID, attempt, message, ...until });
    process.stdout.write(line + "\\n", () => isTooMuch && process.exit(1));
  },
});
`;
