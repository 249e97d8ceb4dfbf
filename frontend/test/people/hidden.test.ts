import { expect, test, vi } from "vitest";
import { Hidden, mostHidden } from "@/people/hidden";
import { FakeMemory } from "../fakelink";

test("people stay hidden over reloads until they are shown again", () => {
  const browser = new FakeMemory();
  const hidden = new Hidden(browser);
  hidden.hide("g-1", "ada");
  hidden.hide("g-2", "bob");
  hidden.hide("g-1", "ada again");
  const later = new Hidden(browser);
  expect(later.getPeople()).toEqual([
    { id: "g-2", name: "bob" },
    { id: "g-1", name: "ada again" },
  ]);
  later.show("g-2");
  expect([later.has("g-2"), later.has("g-1"), later.has(undefined)]).toEqual([false, true, false]);
});

test("tabs take over each other's lists, and each writes what the others wrote", () => {
  const browser = new FakeMemory();
  const [one, other] = [new Hidden(browser), new Hidden(browser)];
  const told = vi.fn();
  other.subscribe(told);
  one.hide("g-1", "ada");
  other.hide("g-2", "bob");
  one.reread();
  expect(one.getPeople()).toEqual(other.getPeople());
  expect(one.getPeople().map(({ id }) => id)).toEqual(["g-1", "g-2"]);
  other.reread();
  expect(told).toHaveBeenCalledTimes(1);
});

test("the list is bounded", () => {
  const browser = new FakeMemory();
  const hidden = new Hidden(browser);
  for (let i = 0; i < mostHidden + 5; i++) hidden.hide(`g-${i}`, "x".repeat(1000));
  expect(new Hidden(browser).getPeople()).toHaveLength(mostHidden);
  expect(hidden.has("g-4")).toBe(false);
  expect(hidden.has("g-5")).toBe(true);
  expect(browser.get("chat.hidden")?.length).toBeLessThan(mostHidden * 120);
});

test.each(["", "{", "null", "7", '"text"', '{"id":"g-1"}', '[null,7,"g-1",{"id":7,"name":"x"},{"id":"g-1"}]'])(
  "%j of another version hides nobody, and is replaced",
  (text) => {
    const browser = new FakeMemory();
    browser.set("chat.hidden", text);
    const hidden = new Hidden(browser);
    expect(hidden.getPeople()).toEqual([]);
    hidden.hide("g-2", "bob");
    expect(new Hidden(browser).has("g-2")).toBe(true);
  },
);

test("somebody who is stored twice is one person", () => {
  const browser = new FakeMemory();
  browser.set("chat.hidden", '[{"id":"g-1","name":"a"},{"id":"g-1","name":"b"}]');
  expect(new Hidden(browser).getPeople()).toEqual([{ id: "g-1", name: "b" }]);
});
