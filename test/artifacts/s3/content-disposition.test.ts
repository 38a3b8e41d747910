import { describe, expect, it } from "vitest";
import { contentDisposition, safeContentType } from "../../../lib/artifacts/s3/content-disposition.ts";
import { hostileStrings } from "../../contract/shared-store.ts";

describe("the name under which a file is saved", () => {
  it.each([
    ["report.md", `attachment; filename="report.md"; filename*=UTF-8''report.md`],
    ["a/b/c.txt", `attachment; filename="c.txt"; filename*=UTF-8''c.txt`],
    ["../../etc/passwd", `attachment; filename="passwd"; filename*=UTF-8''passwd`],
    ['x";\r\nevil: 1.html', `attachment; filename="x_;__evil_ 1.html"; filename*=UTF-8''x_%3B__evil_%201.html`],
    ["100% (a'b*).md", `attachment; filename="100_ (a'b_).md"; filename*=UTF-8''100%25%20%28a%27b_%29.md`],
    ["", `attachment; filename="unnamed"; filename*=UTF-8''unnamed`],
    ["..", `attachment; filename="unnamed"; filename*=UTF-8''unnamed`],
    ["cod\u202etxt.exe", `attachment; filename="cod_txt.exe"; filename*=UTF-8''cod_txt.exe`],
  ])("of %j", (name, expected) => expect(contentDisposition(name)).toBe(expected));

  it("is printable ASCII, and short, whatever it was", () => {
    for (const name of [...hostileStrings, "\ud800", "é".repeat(400), `${"x".repeat(400)}.tar.gz`])
      expect(contentDisposition(name)).toMatch(
        /^attachment; filename="[ !#-[\]-~]{1,150}"; filename\*=UTF-8''[\w%.~!-]+$/,
      );
    expect(contentDisposition(`${"x".repeat(400)}.tar.gz`)).toContain('.tar.gz"');
  });

  it("goes with a type that is one", () => {
    for (const type of ["text/html; charset=utf-8", "application/vnd.api+json"])
      expect(safeContentType(type)).toBe(type);
    for (const type of ["", "text", "text/html\r\nx: y", "a/b;c", "x".repeat(200)])
      expect(safeContentType(type)).toBe("application/octet-stream");
  });
});
