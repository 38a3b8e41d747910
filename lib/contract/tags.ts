import { CONTRACT } from "./worker.ts";

/** A runtime made for one task carries the task's id under this. */
export const TASK_TAG = "agentdispatch:task";
export const CONTRACT_TAG = "agentdispatch:contract";

/** What a runtime whose image is our worker carries; any other is called in its own protocol, and never greeted. */
export const contractTag = { [CONTRACT_TAG]: CONTRACT };
