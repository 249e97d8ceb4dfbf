import { expect, test } from "vitest";
import { shortened } from "@/text/shortened";

test("a long text is cut between characters", () => {
  expect(shortened("😀".repeat(10), 5)).toBe(`${"😀".repeat(4)}…`);
  expect(shortened("short", 5)).toBe("short");
});

test("nothing is cut within what looks like one character", () => {
  expect(shortened("ab👨‍👩‍👧cd", 4)).toBe("ab…");
  expect(shortened("🇫🇷🇩🇪🇮🇹", 4)).toBe("🇫🇷…");
  expect(shortened("abcdef", 4)).toBe("abc…");
  expect(shortened(`a${"\u0301".repeat(500)}`, 100)).toHaveLength(100);
});
