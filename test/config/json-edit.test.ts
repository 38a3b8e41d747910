import fc from "fast-check";
import { expect, test } from "vitest";
import { editJson } from "../../lib/config/json-edit.ts";
import { findSyntaxIssue, parseCommentedJson } from "../../lib/config/json-syntax.ts";

const text = `// our agents
{
  "runtimes": {
    "a": { "x": 1 }, // about a

    // about b
    /* more about b */
    "b": {
      // inside of b
      "x": 2
    }, // behind b
    // about c
    "c": { "x": 3 } // behind c
    // the end
  }, // behind runtimes
  "defaults": {}
}
`;
const without = (...lines: string[]) =>
  text
    .split("\n")
    .filter((line) => !lines.some((one) => line.includes(one)))
    .join("\n");

test("a member is taken away with its own comments and nobody else's", () => {
  const remove = (name: string) => editJson(text, [{ path: ["runtimes", name], value: undefined }]);
  expect(remove("a")).toBe(without("about a"));
  expect(remove("b")).toBe(text.replace(/ {4}\/\/ about b[\s\S]*behind b\n/, ""));
  expect(remove("c")).toBe(without("about c", "behind c").replace("}, // behind b", "} // behind b"));
  expect(remove("d")).toBe(text);
});

test("a member is added behind the others, and the rest stays as it was", () => {
  expect(editJson(text, [{ path: ["runtimes", "d"], value: { y: [1, "two"] } }])).toBe(
    text.replace(
      '{ "x": 3 } // behind c',
      '{ "x": 3 }, // behind c\n    "d": {\n      "y": [\n        1,\n        "two"\n      ]\n    }',
    ),
  );
});

test("a field of a member is changed, added and taken away, deep inside too", () => {
  const set = (value: unknown, ...path: string[]) => editJson(text, [{ path: ["runtimes", "b", ...path], value }]);
  expect(set(5, "x")).toBe(text.replace('"x": 2', '"x": 5'));
  expect(set(5, "limits", "timeoutSeconds")).toBe(
    text.replace('"x": 2', '"x": 2,\n      "limits": {\n        "timeoutSeconds": 5\n      }'),
  );
  expect(set(undefined, "x")).toBe(text.replace('      // inside of b\n      "x": 2\n', ""));
});

test("lines end as they did", () => {
  const edited = editJson(text.replaceAll("\n", "\r\n"), [{ path: ["runtimes", "d"], value: { y: 1 } }]);
  expect(edited.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
});

test.each(["{}", "", "{ // empty\n}", '{ "runtimes": {} }', '{"runtimes":{"a":{}}}', '{ "runtimes": { /* none */ } }'])(
  "what is not laid out in lines is added to as well: %j",
  (given) => {
    const edited = editJson(given, [{ path: ["runtimes", "api"], value: { backend: "local" } }]);
    expect(findSyntaxIssue(edited)).toBeUndefined();
    expect(parseCommentedJson(edited)).toMatchObject({ runtimes: { api: { backend: "local" } } });
    const [comment = ""] = /\/\/ empty|\/\* none \*\//.exec(given) ?? [];
    expect(edited).toContain(comment);
    const back = editJson(edited, [{ path: ["runtimes", "api"], value: undefined }]);
    expect((parseCommentedJson(back) as { runtimes: object }).runtimes).not.toHaveProperty("api");
  },
);

test("what stands in one line stays in it, and is not laid out anew", () => {
  const line = '{"servers":{"one":{"a":1}, /* two */ "two":{"b":[1,2]}},"last":3}';
  const added = editJson(line, [{ path: ["servers", "api"], value: { c: 1 } }]);
  expect(added).toBe(line.replace("[1,2]}", '[1,2]}, "api": {"c":1}'));
  expect(editJson(added, [{ path: ["servers", "api"], value: undefined }])).toBe(line);
  expect(editJson(line, [{ path: ["servers", "one"], value: undefined }])).toBe(line.replace('"one":{"a":1}, ', ""));
});

test("a list is added to at its end, and loses one element alone", () => {
  const list = '{\n  "allow": [\n    // mine\n    "a", // why\n    "b"\n  ]\n}\n';
  const added = editJson(list, [{ path: ["allow", 2], value: "c" }]);
  expect(added).toBe(list.replace('"b"', '"b",\n    "c"'));
  expect(editJson(added, [{ path: ["allow", 2], value: undefined }])).toBe(list);
  expect(editJson('{"allow":["a"]}', [{ path: ["allow", 1], value: "b" }])).toBe('{"allow":["a", "b"]}');
  expect(parseCommentedJson(editJson("{}", [{ path: ["permissions", "allow", 0], value: "a" }]))).toEqual({
    permissions: { allow: ["a"] },
  });
});

/** As a person would lay an object out: some members in lines, some not, with comments here and there. */
const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1 });
const spaces = fc.constantFrom("", "\n  ", " // c\n  ", " /* c */ ", "\n  // c\n  ", "\n\n  ");
const laidOut = fc.tuple(names, fc.array(spaces, { minLength: 20, maxLength: 20 })).map(([members, gaps]) => {
  const gap = (i: number) => gaps[i % gaps.length];
  const parts = members.map((name, i) => `${gap(3 * i)}"${name}": ${i}${gap(3 * i + 1)}`);
  return `{${parts.join(",")}${gap(19)}\n}`;
});

test("however it is laid out, an edit changes its member alone", () => {
  fc.assert(
    fc.property(
      laidOut,
      fc.constantFrom("a", "b", "c", "x"),
      fc.option(fc.constantFrom(7, { deep: [] })),
      (given, name, to) => {
        const edited = editJson(given, [{ path: [name], value: to ?? undefined }]);
        const { [name]: _, ...rest } = parseCommentedJson(given) as Record<string, unknown>;
        expect(findSyntaxIssue(edited), edited).toBeUndefined();
        expect(parseCommentedJson(edited)).toEqual(to === null ? rest : { ...rest, [name]: to });
      },
    ),
    { numRuns: 3000 },
  );
});
