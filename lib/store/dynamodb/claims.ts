import { RetryableError } from "../../contract/errors.ts";
import type { KeyClaim, TaskStore } from "../port.ts";
import type { Items } from "./items.ts";
import { claimKey } from "./keys.ts";

const MAX_CONFLICTS = 10;

/** Idempotency keys of all owners. */
export function claims(items: Items): Pick<TaskStore, "claimKey"> {
  return {
    async claimKey(owner, key, claim, nowMs) {
      const itemKey = claimKey(owner, key);
      const { taskId, callHash, expiresAtMs } = claim;
      const item = { ...itemKey, taskId, callHash, expiresAtMs, expires: Math.ceil(expiresAtMs / 1000) };
      const condition = { expression: "attribute_not_exists(#pk) OR #expiresAtMs <= :now", values: { now: nowMs } };
      const read = async () => (await items.get(itemKey)) as KeyClaim | undefined;
      // The claim itself says whose it is.
      const hasLanded = async () => (await read())?.taskId === taskId;
      for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
        if (await items.put(item, condition, hasLanded)) return claim;
        const held = await read();
        if (held && held.expiresAtMs > nowMs)
          return { taskId: held.taskId, callHash: held.callHash, expiresAtMs: held.expiresAtMs };
      }
      throw new RetryableError("platform.store_unavailable", "an idempotency key is claimed by too many at once", {
        hint: "try again in a few seconds",
      });
    },
  };
}
