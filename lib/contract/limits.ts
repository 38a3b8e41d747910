/** Longest time a task may ask for, in seconds: the machine it runs on ends at eight hours. */
export const MAX_TIMEOUT_SECONDS = 27_000;
