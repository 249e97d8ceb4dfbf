import { expect, test } from "vitest";
import { Preferences } from "@/attention/preferences";
import { FakeMemory } from "../fakelink";

test("all signals are off at first, and another tab can switch them", () => {
  const browser = new FakeMemory();
  const [one, two] = [new Preferences(browser), new Preferences(browser)];
  expect(one.getWishes()).toEqual({ sound: false, notify: false });
  two.set({ sound: true });
  one.reread();
  expect(one.getWishes()).toEqual({ sound: true, notify: false });
  browser.set("chat.wishes", "{");
  expect(new Preferences(browser).getWishes()).toEqual({ sound: false, notify: false });
});
