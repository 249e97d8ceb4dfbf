import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { putBack } from "../clock";
import { live } from "../fakelink";
import { placed, placedRange } from "../make";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a room", () => {
  test("a burst is shown in batches and loses nothing", () => {
    const { store, link } = live();
    let drawn = 0;
    store.subscribe(() => void drawn++);
    for (const message of placedRange(0, 1000)) link.listener.message(message);
    vi.advanceTimersByTime(50);
    expect(store.getState().timeline.entries).toHaveLength(1000);
    expect(drawn).toBeLessThan(10);
  });

  test("history is not news; later messages are", () => {
    const { store, link } = live();
    const news = vi.fn();
    const stop = store.onNews(news);
    link.listener.message(placed(1));
    vi.advanceTimersByTime(2000);
    link.listener.message(placed(2));
    expect(news.mock.calls).toEqual([[[placed(2)]]]);
    vi.advanceTimersByTime(2000);
    stop();
    link.listener.message(placed(3));
    expect(news).toHaveBeenCalledOnce();
  });

  test("of the history after a reconnect, only the end is news", () => {
    const { store, link } = live();
    for (const message of placedRange(0, 5)) link.listener.message(message);
    vi.advanceTimersByTime(2000);
    const news = vi.fn();
    store.onNews(news);
    link.drop();
    link.accept(false, placed(2).offset);
    for (const message of placedRange(3, 7)) link.listener.message(message);
    vi.advanceTimersByTime(100);
    expect(news.mock.calls.flat(2)).toEqual([placed(5), placed(6)]);
  });

  test("a subscriber that left is not called", () => {
    const { store, link } = live();
    const told = vi.fn();
    store.subscribe(told)();
    link.listener.presence(7);
    expect(told).not.toHaveBeenCalled();
    expect(store.getState().online).toBe(7);
  });
});

describe("the clock of the computer is put back an hour", () => {
  test("messages are still news, and typists are forgotten in time", () => {
    const { store, link } = live();
    const news = vi.fn();
    store.onNews(news);
    putBack();
    link.listener.typing({ username: "bob", id: "s2", typing: true });
    vi.advanceTimersByTime(5001);
    expect(store.getState().typists).toEqual([]);
    link.listener.message(placed(1));
    expect(news).toHaveBeenCalledOnce();
  });
});
