import { expect, test } from "vitest";
import type { LocalAddress } from "../../../lib/client/http/door.ts";
import { localDoor } from "../../../lib/client/http/local-door.ts";

const request = { method: "POST", url: new URL("http://127.0.0.1:1/mcp"), headers: {}, body: new Uint8Array() };

test("a local system is looked for when it is first needed, and again once it was forgotten", async () => {
  const asked: unknown[] = [];
  const answers: (LocalAddress | undefined)[] = [
    undefined,
    { url: "http://127.0.0.1:1/mcp", token: "one" },
    { url: "http://127.0.0.1:2/mcp", token: "two" },
  ];
  const door = localDoor(
    { stateDir: "/tmp/state" },
    {
      findLocal: async (place) => {
        asked.push(place);
        return answers.shift();
      },
    },
  );
  expect(asked).toEqual([]);
  await expect(door.locate()).rejects.toMatchObject({
    code: "local.not_running",
    hint: expect.stringContaining("local"),
  });
  expect(String(await door.locate())).toBe("http://127.0.0.1:1/mcp");
  expect(await door.authorize(request)).toEqual({ authorization: "Bearer one" });
  expect(asked).toEqual([{ stateDir: "/tmp/state" }, { stateDir: "/tmp/state" }]);
  expect(await door.renew("address")).toBe(true);
  expect(await door.authorize(request)).toEqual({ authorization: "Bearer two" });
  expect(String(await door.locate())).toBe("http://127.0.0.1:2/mcp");
});
