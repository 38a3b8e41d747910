import type { KeyClaim, TaskStore } from "../port.ts";
import { settled } from "./conflicts.ts";
import type { Items } from "./items.ts";
import { claimKey } from "./keys.ts";

/** Idempotency keys of all owners. */
export function claims(items: Items): Pick<TaskStore, "claimKey"> {
  return {
    async claimKey(owner, key, claim, nowMs) {
      const itemKey = claimKey(owner, key);
      const { taskId, callHash, expiresAtMs } = claim;
      const item = { ...itemKey, taskId, callHash, expiresAtMs, expires: Math.ceil(expiresAtMs / 1000) };
      const condition = { expression: "attribute_not_exists(#pk) OR #expiresAtMs <= :now", values: { now: nowMs } };
      const read = async () => (await items.get(itemKey)) as KeyClaim | undefined;
      // The claim itself says whose it is; two may be for a task that was there before.
      const hasLanded = async () => {
        const held = await read();
        return held?.taskId === taskId && held.callHash === callHash;
      };
      return settled("an idempotency key", async () => {
        if (await items.put(item, condition, hasLanded)) return claim;
        const held = await read();
        return held && held.expiresAtMs > nowMs
          ? { taskId: held.taskId, callHash: held.callHash, expiresAtMs: held.expiresAtMs }
          : undefined;
      });
    },
  };
}
