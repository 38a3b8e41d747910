/** The header in which the agent of a task shows an endpoint in the cloud its token; who asks is said by the signature. */
export const TASK_HEADER = "x-agentdispatch-task";

const FORM = /^(task_[0-9a-f]{32})\.[0-9a-f]{64}$/;

/** The task that a token of that header names, which proves nothing yet; undefined for a text of another form. */
export const taskNamedBy = (token: string): string | undefined => FORM.exec(token)?.[1];
