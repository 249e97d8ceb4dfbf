import { expect, test, vi } from "vitest";

import { isOnlyEmoji } from "@/text/emoji";

const emoji = ["👋", "🎉🎉", "👨‍👩‍👧 ❤️", "👍🏽", "🇫🇷", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "🏳️‍🌈", "🧑🏿‍❤️‍💋‍🧑🏻 🧑🏿‍❤️‍💋‍🧑🏻 🧑🏿‍❤️‍💋‍🧑🏻", "®️"];
const noEmoji = ["", "hi 👋", "1", "#", "👋👋👋👋", "x".repeat(200), "®", "©", "™", "↔", "🏴x", "\ufe0f", "\u200d"];
test.each(emoji)("only emoji: %s", (text) => expect(isOnlyEmoji(text)).toBe(true));
test.each(noEmoji)("not only emoji: %j", (text) => expect(isOnlyEmoji(text)).toBe(false));

test("a browser without the list of emoji gives the same results", async () => {
  const RegExpOfToday = RegExp;
  vi.resetModules();
  vi.stubGlobal(
    "RegExp",
    class extends RegExpOfToday {
      constructor(pattern: string | RegExp, flags?: string) {
        if (flags?.includes("v")) throw new SyntaxError("Invalid flags");
        super(pattern, flags);
      }
    },
  );
  const links = await import("@/text/emoji");
  vi.unstubAllGlobals();
  for (const text of emoji) expect([text, links.isOnlyEmoji(text)]).toEqual([text, true]);
  for (const text of noEmoji) expect([text, links.isOnlyEmoji(text)]).toEqual([text, false]);
});
