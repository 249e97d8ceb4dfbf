import { describe, expect, test } from "vitest";
import { folded, placesOf } from "@/text/find";
import { visibleText } from "@/text/visible";

describe("a text that is searched", () => {
  test.each(["Straße", "İstanbul ΣΊΣΥΦΟΣ", "😀Aé\u0301"])("%j keeps its places", (text) => {
    expect(folded(text)).toHaveLength(text.length);
    expect(folded(text)).toBe(folded(folded(text)));
  });

  test.each([
    ["banana", "an", [1, 3]],
    ["aaaa", "aa", [0, 2]],
    ["abc", "", []],
    ["abc", "x", []],
  ])("%j has %j at %j", (text, sought, places) => expect(placesOf(text, sought, 9)).toEqual(places));

  test("the places are bounded", () => expect(placesOf("a".repeat(4000), "a", 100)).toHaveLength(100));
});

test.each([
  ["plain", "plain"],
  ["a *bold* and `code` word", "a bold and code word"],
  ["**a** b", "a b"],
  ["> quoted\n- item *one*", "quoteditem one"],
  ["see https://example.com/x *now*", "see https://example.com/x now"],
  ["```js\nlet a\n```", "jslet a"],
])("of %j one reads %j", (text, seen) => expect(visibleText(text).replaceAll("\n", "")).toBe(seen));
