import { describe, expect, test } from "vitest";
import { Preferences } from "@/attention/preferences";
import { storageMemory } from "@/browser/memory";
import { FakeMemory } from "../fakelink";

describe("memory", () => {
  test("a storage that is full or forbidden lasts as long as the page", () => {
    const full = {
      getItem: () => "old",
      setItem: () => {
        throw new Error("full");
      },
    } as unknown as Storage;
    const memory = storageMemory(() => full);
    expect(memory.get("k")).toBe("old");
    memory.set("k", "new");
    expect(memory.get("k")).toBe("new");
    const forbidden = storageMemory(() => {
      throw new Error("forbidden");
    });
    expect(forbidden.get("k")).toBeNull();
    forbidden.set("k", "v");
    expect(forbidden.get("k")).toBe("v");
  });

  test("nothing is switched on by itself, and another tab may switch it", () => {
    const browser = new FakeMemory();
    const [one, two] = [new Preferences(browser), new Preferences(browser)];
    expect(one.getWishes()).toEqual({ sound: false, notify: false });
    two.set({ sound: true });
    one.reread();
    expect(one.getWishes()).toEqual({ sound: true, notify: false });
    browser.set("chat.wishes", "{");
    expect(new Preferences(browser).getWishes()).toEqual({ sound: false, notify: false });
  });
});
