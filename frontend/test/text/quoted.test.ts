import { expect, test } from "vitest";
import { format } from "@/text/format";
import { quoted } from "@/text/quoted";

test.each([
  ["one", "", 0, "> one\n"],
  ["one\n\ntwo", "", 0, "> one\n>\n> two\n"],
  ["one", "before", 6, "\n> one\n"],
  ["one", "before\n", 7, "> one\n"],
  ["> deeper\nanswer", "", 0, "> > deeper\n> answer\n"],
])("%j is quoted in %j at %i", (message, draft, caret, quote) => {
  expect(quoted(message, draft, caret)).toBe(quote);
});

test("what is quoted is one quote, and what is written behind it is not in it", () => {
  const kinds = format(`${quoted("a\n\n- b\n\n```\nc", "", 0)}answer`).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind !== "marker")).toEqual(["quote", "text"]);
});

test("a long message is quoted by its beginning", () => {
  expect(quoted("x".repeat(4000), "", 0).length).toBeLessThan(1010);
});
