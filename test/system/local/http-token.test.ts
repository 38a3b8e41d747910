import { describe, expect, onTestFinished, test } from "vitest";
import { isProof, newNonce } from "../../../lib/config/proof-of-token.ts";
import { openHttp } from "../../../lib/system/local/http.ts";

const token = "0123456789abcdef".repeat(4);

/** The door itself, with nothing behind it but an answer. */
async function open() {
  const door = await openHttp(
    {
      token,
      mcp: async () => Response.json({ served: true }),
      artifacts: async () => new Response(null, { status: 204 }),
    },
    0,
  );
  onTestFinished(() => door.close());
  return (path: string, headers: Record<string, string> = {}, method = "POST") =>
    fetch(new URL(path, door.url), { method, headers });
}

// The door itself, as callers with and without the token meet it
describe("the token", () => {
  test.each(["Bearer", "bearer", "BEARER", "bEaReR"])("is taken after %s", async (scheme) => {
    const response = await (await open())("/mcp", { authorization: `${scheme} ${token}` });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ served: true });
  });

  test("is asked for when there is none", async () => {
    const ask = await open();
    for (const headers of [{}, { authorization: "" }, { authorization: "Basic dTpw" }, { authorization: "Bearer " }]) {
      const response = await ask("/mcp", headers as Record<string, string>);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect(await response.json()).toMatchObject({ error: { message: "a bearer token is needed" } });
    }
  });

  test("is refused as such when it is another", async () => {
    const ask = await open();
    for (const wrong of [token.slice(1), `${token}0`, token.toUpperCase(), "x".repeat(64)]) {
      const response = await ask("/mcp", { authorization: `Bearer ${wrong}` });
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
      expect(await response.json()).toMatchObject({
        error: { message: "the bearer token is not that of this system", hint: expect.stringContaining("`token`") },
      });
    }
  });

  test("is needed for the health too", async () => {
    const ask = await open();
    expect((await ask("/health", {}, "GET")).status).toBe(401);
    expect((await ask("/health", { authorization: `Bearer ${token}` }, "GET")).status).toBe(200);
  });

  test("is proved, and not shown, to whoever asks with a nonce", async () => {
    const ask = await open();
    const nonce = newNonce();
    const response = await ask(`/health?nonce=${nonce}`, {}, "GET");
    expect(response.status).toBe(200);
    const { pid, proof } = (await response.json()) as { pid: number; proof: string };
    expect(pid).toBe(process.pid);
    expect(isProof(proof, token, nonce)).toBe(true);
    expect(isProof(proof, token, newNonce())).toBe(false);
    expect(isProof(proof, `${token}0`, nonce)).toBe(false);
    expect(isProof(undefined, token, nonce)).toBe(false);
    // Nor does it sign any text that somebody else would take for its own.
    for (const text of ["", "artifact uploads", nonce.slice(1)])
      expect((await ask(`/health?nonce=${encodeURIComponent(text)}`, {}, "GET")).status).toBe(401);
  });
});

test.each([
  "/.well-known/oauth-protected-resource",
  "/.well-known/oauth-protected-resource/mcp",
  "/.well-known/oauth-authorization-server",
  "/.well-known/openid-configuration",
  "/mcp/.well-known/openid-configuration",
  "/register",
])("%s is not there, with a token or without", async (path) => {
  const ask = await open();
  for (const method of ["GET", "POST"]) {
    for (const headers of [{}, { authorization: `Bearer ${token}` }, { authorization: "Bearer wrong" }]) {
      const response = await ask(path, headers as Record<string, string>, method);
      expect(response.status).toBe(404);
      expect(response.headers.get("www-authenticate")).toBeNull();
      expect(await response.json()).toMatchObject({ error: { code: "http.no_such_path" } });
    }
  }
});
