import { RefusedError } from "../../contract/errors.ts";

/** The address that was given, checked: https, or http to this machine; nobody's name or password in it. Throws RefusedError. */
export function parseAddress(text: string): URL {
  if (!URL.canParse(text)) throw invalid("the address of the endpoint is not a URL");
  const url = new URL(text);
  if (url.username || url.password) throw invalid("the address of the endpoint holds a user or a password");
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw invalid(`the address of the endpoint begins with ${url.protocol}`);
  if (url.protocol === "http:" && !isLoopback(url.hostname))
    throw new RefusedError("endpoint.insecure", `plain http to ${url.hostname} would show everything on the way`, {
      hint: "use https; plain http is for this machine alone",
    });
  url.hash = "";
  return url;
}

/** Names under `localhost` are looked up in the network by most systems, whatever they should do. */
/** Whether a host is this machine by its name or address alone, with nobody asked. */
export const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);

const invalid = (message: string) =>
  new RefusedError("endpoint.address_invalid", message, {
    hint: "give the whole https address of an MCP endpoint, such as the output Endpoint of the stack",
  });

/** An address as it may be printed. */
export const printed = (url: URL): string => `${url.origin}${url.pathname}`;
