/** Longest file name that every common file system takes, in UTF-16 units, leaving room for what browsers add. */
const MAX_LENGTH = 150;

/** Control characters, those that turn the direction of text, and what some system or shell forbids in a file name. */
const unsafe = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069<>:"/\\|?*]/gu;

/**
 * The header that saves content under the last part of its name: as UTF-8, and as ASCII for those who know no better.
 * It is always an attachment, so that a browser never runs what a worker made.
 * https://www.rfc-editor.org/rfc/rfc6266, https://www.rfc-editor.org/rfc/rfc8187
 *
 * @example
 * contentDisposition("notes/über.md"); // attachment; filename="_ber.md"; filename*=UTF-8''%C3%BCber.md
 */
export function contentDisposition(name: string): string {
  const file = fileNameOf(name);
  const ascii = file.replace(/[^\x20-\x7e]|%/gu, "_");
  const encoded = encodeURIComponent(file).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

/** A content type that is one, or that of bytes: what a worker says ends up in a header. */
export const safeContentType = (type: string): string =>
  /^[\w!#$&^.+-]{1,60}\/[\w!#$&^.+-]{1,80}(; ?[\w-]{1,30}=[\w."-]{1,60})*$/.test(type)
    ? type
    : "application/octet-stream";

function fileNameOf(name: string): string {
  const last =
    name
      .toWellFormed()
      .split(/[/\\]/)
      .findLast((part) => part.trim() !== "") ?? "";
  const safe = last.replace(unsafe, "_").replace(/^[. ]+|[. ]+$/g, "");
  return shorten(safe) || "unnamed";
}

/** Keeps the end, because that says what to open the file with. */
function shorten(name: string): string {
  if (name.length <= MAX_LENGTH) return name;
  const end = name.slice(-30);
  return `${name.slice(0, MAX_LENGTH - 31)}~${end}`.toWellFormed();
}
