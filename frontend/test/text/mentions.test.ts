import { describe, expect, test, vi } from "vitest";
import { Names, splitMentions } from "@/text/mentions";
import { mentions } from "@/text/plain";
import { below, seeded } from "../random";

const names = new Names(["ada", "Ada Lovelace", "bob", "Bob", "שרה", "田中", "İpek", "o'neil", "a.b", "*x*", "👍"]);

/** The mentions of a text: what is marked, and who is meant. */
const found = (text: string) =>
  splitMentions(text, names).flatMap((piece) => (piece.kind === "mention" ? [[piece.text, piece.name]] : []));

describe("mentions", () => {
  test.each([
    ["@ada", "@ada", "ada"],
    ["hello @ada, hello", "@ada", "ada"],
    ["(@ada)", "@ada", "ada"],
    ["@ada's", "@ada", "ada"],
    ["@ada.", "@ada", "ada"],
    ["@Ada", "@Ada", "ada"],
    ["@bob", "@bob", "bob"],
    ["@Bob", "@Bob", "Bob"],
    ["@BOB", "@BOB", "bob"],
    ["@ada lovelace is here", "@ada lovelace", "Ada Lovelace"],
    ["@ada lovelaces", "@ada", "ada"],
    ["@שרה שלום", "@שרה", "שרה"],
    ["@田中 さん", "@田中", "田中"],
    ["@İpek", "@İpek", "İpek"],
    ["@o'neil", "@o'neil", "o'neil"],
    ["@a.b", "@a.b", "a.b"],
  ])("%j mentions %j: %j", (text, marked, name) => expect(found(text)).toEqual([[marked, name]]));

  test.each([
    ["@", "nobody"],
    ["@eve", "nobody that is known"],
    ["mail@ada", "an address of mail"],
    ["mail@ada.example", "an address of mail"],
    ["@ada.example", "the name of a computer"],
    ["@ada-lisa", "another name"],
    ["@adam", "another name"],
    ["@ada_", "another name"],
    ["@ada\u0301", "another letter"],
    ["@аda", "a Cyrillic letter"],
    ["@a\u200bda", "an invisible character within"],
    ["@\u200bada", "an invisible character before"],
    ["@ada\u200b", "an invisible character behind"],
    ["\u2060@ada", "an invisible character in front"],
    ["@@ada", "two signs"],
    ["＠ada", "another sign"],
    ["@👍🏽", "another colour of a name that is an emoji"],
    ["@ ada", "a space"],
    ["https://a.example/@ada", "a path"],
  ])("%j is none: %s", (text) => expect(found(text)).toEqual([]));

  test("P6 what stands before no name costs nothing, however many names there are", () => {
    const many = new Names(Array.from({ length: 1000 }, (_, n) => `name ${"x".repeat(n % 60)}${n}`));
    const lower = vi.spyOn(String.prototype, "toLowerCase");
    splitMentions("@ ".repeat(2000), many);
    expect(lower.mock.calls.length).toBeLessThan(2001);
    lower.mockRestore();
  });

  test("the pieces are the text, whatever it is", () => {
    const random = seeded(7);
    const pieces = ["@", "ada", "Ada Lovelace", " ", "bob", "\u200b", ".", "שרה", "😀", "\n", "@ada"];
    for (let i = 0; i < 500; i++) {
      const text = Array.from({ length: 30 }, () => pieces[below(random, pieces.length)]).join("");
      expect(
        splitMentions(text, names)
          .map((piece) => piece.text)
          .join(""),
      ).toBe(text);
    }
  });

  test("P6 take a moment in the worst of texts", () => {
    const many = new Names(Array.from({ length: 1000 }, (_, i) => "ab ".repeat(i % 21).padEnd(1 + (i % 64), "x")));
    const begin = performance.now();
    splitMentions(" @".repeat(2000), many);
    splitMentions(`@${"ab ".repeat(1333)}`, many);
    splitMentions("@ab ab ab ab ab ab ".repeat(210), many);
    expect(performance.now() - begin).toBeLessThan(500);
  });
});

describe("whom a message mentions", () => {
  const isAda = (name: string) => name === "ada";
  test.each([
    ["hello @ada", true],
    ["**@ada**", true],
    ["> - @ada", true],
    ["hello ada", false],
    ["hello @bob", false],
    ["`@ada`", false],
    ["```\n@ada\n```", false],
    ["`code` and @ada", true],
    ["https://a.example/?@ada", false],
  ])("%j mentions Ada: %j", (text, expected) => expect(mentions(text, names, isAda)).toBe(expected));
});
