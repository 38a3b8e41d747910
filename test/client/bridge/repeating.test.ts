import { expect, test } from "vitest";
import { repeatingOf } from "../../../lib/client/bridge/repeating.ts";

test("what nobody knows of is sent once", () => {
  expect(repeatingOf("tools/call", "delete_everything")).toBe("never");
  expect(repeatingOf("tools/call", "constructor")).toBe("never");
  expect(repeatingOf("tools/call", undefined)).toBe("never");
  expect(repeatingOf("vendor/method", undefined)).toBe("never");
  expect(repeatingOf("tools/list", undefined)).toBe("freely");
  // The same answer again is none.
  expect(repeatingOf("tasks/update", undefined)).toBe("freely");
});
