import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { live, refusal } from "../fakelink";
import { placed, placedRange } from "../make";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("reconnecting", () => {
  test("P3 recovered: continues without a gap", () => {
    const { connector, store, link } = live();
    link.listener.message(placed(1));
    link.drop();
    expect(connector.getConnection().state).toBe("recovering");
    link.accept(true);
    link.listener.message(placed(2));
    vi.advanceTimersByTime(100);
    expect(store.getState().timeline.gaps).toEqual([]);
    expect(store.getState().timeline.entries).toHaveLength(2);
  });

  test("pitfall 6: not recovered: a gap that can be filled", async () => {
    const { store, link } = live();
    link.listener.message(placed(1));
    link.drop();
    link.accept(false, placed(7).offset);
    link.listener.message(placed(8));
    vi.advanceTimersByTime(100);
    const after = placed(1).offset;
    expect(store.getState().timeline.gaps).toEqual([{ after, state: "open" }]);
    const filled = store.reader.fillGap(after);
    void store.reader.fillGap(after); // A second click requests nothing.
    expect(link.asked).toMatchObject([{ before: placed(8).offset, limit: 100 }]);
    link.asked[0]?.answer({ status: "ok", messages: placedRange(1, 8), more: false });
    await filled;
    expect(store.getState().timeline.gaps).toEqual([]);
    expect(store.getState().timeline.entries).toHaveLength(8);
  });

  test("a gap that could not be filled can be tried again", async () => {
    const { store, link } = live();
    link.listener.message(placed(1));
    link.drop();
    link.accept(false, placed(7).offset);
    const filled = store.reader.fillGap(placed(1).offset);
    link.asked[0]?.answer(undefined);
    await filled;
    expect(store.getState().timeline.gaps).toMatchObject([{ state: "failed" }]);
  });
});

describe("older messages", () => {
  test("come before the first, page by page, until there are none", async () => {
    const { store, link } = live();
    link.listener.message(placed(150));
    const loaded = store.reader.loadOlder();
    void store.reader.loadOlder();
    expect(link.asked).toMatchObject([{ before: placed(150).offset, limit: 100 }]);
    link.asked[0]?.answer({ status: "ok", messages: placedRange(50, 150), more: true });
    await loaded;
    expect(store.getState()).toMatchObject({ older: "idle", timeline: { more: true } });
    const rest = store.reader.loadOlder();
    link.asked[1]?.answer({ status: "ok", messages: placedRange(0, 50), more: false });
    await rest;
    await store.reader.loadOlder();
    expect(link.asked).toHaveLength(2);
    expect(store.getState().timeline.entries).toHaveLength(151);
  });

  test("pitfall 3: an own message in a page of history leaves the outbox", async () => {
    const { store, link } = live();
    link.listener.message(placed(150));
    for (const text of ["in a page", "in a gap", "nowhere"]) store.send("ada", text);
    const older = store.reader.loadOlder();
    link.asked[0]?.answer({ status: "ok", messages: [placed(149, { id: "me-0", message: "in a page" })], more: true });
    await older;
    expect(store.getState().outbox.map(({ text }) => text)).toEqual(["in a gap", "nowhere"]);
    link.drop();
    link.accept(false, placed(160).offset);
    link.listener.message(placed(161));
    vi.advanceTimersByTime(100);
    const filled = store.reader.fillGap(placed(150).offset);
    link.asked[1]?.answer({ status: "ok", messages: [placed(155, { id: "me-1", message: "in a gap" })], more: false });
    await filled;
    expect(store.getState().outbox.map(({ text }) => text)).toEqual(["nowhere"]);
  });

  test("HIS-5 a request that was too fast is repeated and does not fail", async () => {
    const { store, link } = live();
    void store.reader.loadOlder();
    link.asked[0]?.answer(refusal("rate_limited"));
    await vi.advanceTimersByTimeAsync(1000);
    expect(link.asked).toHaveLength(2);
    expect(store.getState().older).toBe("loading");
    link.asked[1]?.answer(refusal("unavailable"));
    await vi.advanceTimersByTimeAsync(0);
    expect(store.getState().older).toBe("failed");
  });
});
