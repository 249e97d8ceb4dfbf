import { describe, expect, test } from "vitest";

import { headline } from "@/attention/news";
import { pageTitle } from "@/attention/title";
import { lobby } from "@/wire/rooms";
import { placed } from "../make";

describe("news", () => {
  test("the title counts, and names the room", () => {
    const titles = [0, 1, 99, 100].map((unread) => pageTitle(unread, lobby));
    expect(titles).toEqual(["Chat", "(1) Chat", "(99) Chat", "(99+) Chat"]);
    expect([0, 2].map((unread) => pageTitle(unread, "cats"))).toEqual(["cats · Chat", "(2) cats · Chat"]);
    expect(pageTitle(3, undefined)).toBe("(3) Chat");
  });

  test("many messages at once make one headline", () => {
    expect(headline(lobby, [])).toBeUndefined();
    expect(headline(lobby, [placed(1)])).toEqual({ title: "ada", body: "text 1" });
    expect(headline(lobby, [placed(1), placed(2)])).toEqual({ title: "ada", body: "text 2" });
    expect(headline(lobby, [placed(1, { username: "bob" }), placed(2)])?.title).toBe("ada and others");
  });

  test("a headline has no marks of formatting", () => {
    expect(headline(lobby, [placed(1, { message: "> **a**\nb" })])?.body).toBe("a\nb");
  });

  test("a headline names the room", () => {
    expect(headline("cats", [placed(1)])?.title).toBe("ada in cats");
    expect(headline("cats", [placed(1, { username: "bob" }), placed(2)])?.title).toBe("ada and others in cats");
  });
});
