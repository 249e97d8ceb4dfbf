import { expect, test } from "vitest";

import { firstCluster } from "@/text/clusters";
import { shortened } from "@/text/shortened";

test.each([
  ["ada", "a"],
  ["👨‍👩‍👧 family", "👨‍👩‍👧"],
  ["🇫🇷", "🇫🇷"],
  ["e\u0301va", "e\u0301"],
  ["", ""],
  [`a${"\u0301".repeat(500)}`, "a"],
])("the first character of %j is %j", (text, first) => expect(firstCluster(text)).toBe(first));

test("nothing is cut within what looks like one character", () => {
  expect(shortened("ab👨‍👩‍👧cd", 4)).toBe("ab…");
  expect(shortened("🇫🇷🇩🇪🇮🇹", 4)).toBe("🇫🇷…");
  expect(shortened("abcdef", 4)).toBe("abc…");
  expect(shortened(`a${"\u0301".repeat(500)}`, 100)).toHaveLength(100);
});
