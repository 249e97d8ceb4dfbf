import { expect, test } from "vitest";
import { Preferences } from "@/attention/preferences";
import { FakeMemory } from "../fakelink";

test("all signals are off at first, and another tab can switch them", () => {
  const browser = new FakeMemory();
  const [one, two] = [new Preferences(browser), new Preferences(browser)];
  expect(one.getWishes()).toEqual({ about: "all", sound: false, notify: false });
  two.set({ sound: true });
  one.reread();
  expect(one.getWishes()).toEqual({ about: "all", sound: true, notify: false });
  two.set({ about: "mentions" });
  one.reread();
  expect(one.getWishes().about).toBe("mentions");
  browser.set("chat.wishes", '{"about":"everything"}');
  expect(new Preferences(browser).getWishes().about).toBe("all");
  browser.set("chat.wishes", "{");
  expect(new Preferences(browser).getWishes()).toEqual({ about: "all", sound: false, notify: false });
});
