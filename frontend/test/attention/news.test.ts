import { describe, expect, test } from "vitest";

import { attention, pageTitle } from "@/attention/news";
import { placed } from "../make";

describe("news", () => {
  test("the title counts", () => {
    expect([0, 1, 99, 100].map(pageTitle)).toEqual(["Chat", "(1) Chat", "(99) Chat", "(99+) Chat"]);
  });

  test("many messages at once make one headline", () => {
    expect(attention([])).toEqual({ unread: 0, headline: null });
    expect(attention([placed(1)]).headline).toEqual({ title: "ada", body: "text 1" });
    expect(attention([placed(1), placed(2)])).toEqual({ unread: 2, headline: { title: "ada", body: "text 2" } });
    expect(attention([placed(1, { username: "bob" }), placed(2)]).headline?.title).toBe("ada and others");
  });
});
