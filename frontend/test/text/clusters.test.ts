import { expect, test } from "vitest";

import { firstCluster } from "@/text/clusters";

test.each([
  ["ada", "a"],
  ["👨‍👩‍👧 family", "👨‍👩‍👧"],
  ["🇫🇷", "🇫🇷"],
  ["e\u0301va", "e\u0301"],
  ["", ""],
  [`a${"\u0301".repeat(500)}`, "a"],
])("the first character of %j is %j", (text, first) => expect(firstCluster(text)).toBe(first));
