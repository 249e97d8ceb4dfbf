import { describe, expect, test } from "vitest";
import { completions, queryAt } from "@/text/completion";

describe("the name that is being written", () => {
  test.each([
    ["@a", 0, "a"],
    ["hello @ada l", 6, "ada l"],
    ["(@שר", 1, "שר"],
    ["`code` @a", 7, "a"],
    ["@ada @b", 5, "b"],
  ])("%j", (text, at, words) => expect(queryAt(text, text.length)).toEqual({ at, words }));

  test.each(["", "@", "a", "mail@a", "@@a", "@ada ", "@ a", "@a\nb", "`@a", "```\n@a", `@${"a".repeat(200)}`])(
    "%j has none",
    (text) => expect(queryAt(text, text.length)).toBeUndefined(),
  );

  test("ends at the caret", () => expect(queryAt("@ada lovelace", 3)).toEqual({ at: 0, words: "ad" }));
});

describe("completions", () => {
  const people = ["Grace Hopper", "Ada", "adam", "Łukasz", "Émile", "Mary Ada"].map((name) => ({ name }));
  const named = (words: string, most = 9) => completions(words, people, most).map(({ name }) => name);
  test("begin with the words, or have them at the beginning of a later one", () => {
    expect(named("ada")).toEqual(["Ada", "adam", "Mary Ada"]);
    expect(named("hop")).toEqual(["Grace Hopper"]);
    expect(named("grace h")).toEqual(["Grace Hopper"]);
    expect(named("em")).toEqual(["Émile"]);
    expect(named("opper")).toEqual([]);
    expect(named("a", 1)).toEqual(["Ada"]);
  });
});
