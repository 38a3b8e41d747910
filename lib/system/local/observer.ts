import { AsyncLocalStorage } from "node:async_hooks";
import type { Logger } from "../../contract/logger.ts";
import { fieldsOf, messageOf } from "../../contract/observation/decision.ts";
import type { Facts, Observer } from "../../contract/observation/observer.ts";

/** Writes what is decided to the log of this machine, as the functions in the cloud do to theirs. */
export function localObserver(log: Logger): Observer {
  const under = new AsyncLocalStorage<Facts>();
  return {
    during: (facts, work) => under.run(facts, work),
    about() {},
    decided(decision) {
      const { level, message } = messageOf(decision);
      const { step } = under.getStore() ?? {};
      log[level](message, { ...(step !== undefined && { step }), ...fieldsOf(decision) });
    },
  };
}
