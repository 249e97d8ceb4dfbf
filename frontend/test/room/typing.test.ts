import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { putBack } from "../clock";
import { live } from "../fakelink";
import { placed } from "../make";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("typing", () => {
  const bob = { username: "bob", id: "s2", typing: true };

  test("TYP-5 a typist is forgotten after five seconds, at a message, and when the connection breaks", () => {
    const { store, link } = live();
    const names = () => store.getState().typists.map((typist) => typist.username);
    link.listener.typing(bob);
    expect(names()).toEqual(["bob"]);
    vi.advanceTimersByTime(5001);
    expect(names()).toEqual([]);
    link.listener.typing(bob);
    link.listener.typing({ ...bob, id: "s3", username: "cy" });
    link.listener.message(placed(1, { username: "bob" }));
    expect(names()).toEqual(["cy"]);
    link.listener.typing({ ...bob, id: "s3", typing: false });
    expect(names()).toEqual([]);
    link.listener.typing(bob);
    link.drop();
    expect(names()).toEqual([]);
  });

  test("TYP-3 many key strokes make few notices", () => {
    const { store, link } = live();
    for (let i = 0; i < 50; i++) {
      store.typing("ada", true);
      vi.advanceTimersByTime(100);
    }
    expect(link.typed).toEqual([true, true]);
    vi.advanceTimersByTime(4000);
    expect(link.typed).toEqual([true, true, false]);
  });

  test("TYP-3 two starts keep the distance that the server asks for", () => {
    const { store, link } = live();
    store.typing("ada", true);
    store.typing("ada", false);
    store.typing("ada", true);
    expect(link.typed).toEqual([true, false]);
    vi.advanceTimersByTime(1200);
    store.typing("ada", true);
    expect(link.typed).toEqual([true, false, true]);
  });

  test("a message ends typing without a notice", () => {
    const { store, link } = live();
    store.typing("ada", true);
    store.send("ada", "hi");
    store.typing("ada", false);
    vi.advanceTimersByTime(10_000);
    expect(link.typed).toEqual([true]);
  });

  test("TYP-1 a start that was too early is announced later", () => {
    const { store, link } = live();
    store.typing("ada", true);
    store.send("ada", "hi");
    store.typing("ada", true);
    vi.advanceTimersByTime(1300);
    expect(link.typed).toEqual([true, true]);
  });

  test("TYP-1 typing is announced although the clock was put back", () => {
    const { store, link } = live();
    store.typing("ada", true);
    store.typing("ada", false);
    putBack();
    vi.advanceTimersByTime(2000);
    store.typing("ada", true);
    expect(link.typed).toEqual([true, false, true]);
  });
});
