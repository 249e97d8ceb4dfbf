import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { dedupeMs } from "@/outbox/outbox";
import { openStore } from "./fakelink";
import { placed } from "./make";

/*
 * What the store makes of time: answers that are due, and clocks that are not to be trusted.
 */

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ok = (id: string) => ({ status: "ok", id, at: Date.now() }) as const;
const refusal = (code: "unavailable" | "rate_limited") => ({ status: "error", code, message: "" }) as const;
const kinds = (store: ReturnType<typeof openStore>["store"]) =>
  store.getState().outbox.map((item) => item.delivery.kind);

function live() {
  const opened = openStore();
  opened.connector.start();
  opened.link.accept();
  return opened;
}

describe("a silent server", () => {
  test("P4 what nobody answered goes again with the same id when there is a connection again", async () => {
    const { store, link } = live();
    for (const answer of [undefined, refusal("unavailable")]) {
      store.send("ada", "hi");
      link.sent.at(-1)?.answer(answer);
    }
    await vi.advanceTimersByTimeAsync(0);
    expect(kinds(store)).toEqual(["failed", "failed"]);
    link.drop();
    link.accept(true);
    expect(link.sent.map(({ id }) => id)).toEqual(["me-0", "me-1", "me-0", "me-1"]);
    expect(kinds(store)).toEqual(["sending", "sending"]);
  });

  test("P4 what nobody answered goes again after a reload, unless it may be forgotten by then", async () => {
    for (const [late, sent] of [
      [0, ["me-0"]],
      [dedupeMs + 1, []],
    ] as const) {
      const first = live();
      first.store.send("ada", "hi");
      first.link.sent[0]?.answer(undefined);
      await vi.advanceTimersByTimeAsync(late);
      const second = openStore({ memory: first.memory });
      second.connector.start();
      second.link.accept();
      expect(second.link.sent.map(({ id }) => id)).toEqual(sent);
      if (late > 0) expect(second.store.getState().outbox[0]?.delivery).toEqual({ kind: "failed", why: "expired" });
    }
  });

  test("P4 ERR-2 what was refused for good, or too fast, is left to the person", async () => {
    const { store, link } = live();
    store.send("ada", "hi");
    link.sent[0]?.answer(refusal("rate_limited"));
    await vi.advanceTimersByTimeAsync(0);
    link.drop();
    link.accept(true);
    expect(kinds(store)).toEqual(["failed"]);
  });

  test("is asked for a sign of life after five seconds, whatever it was asked before", async () => {
    for (const ask of ["send", "history"]) {
      const { connector, store, link } = live();
      if (ask === "send") store.send("ada", "hi");
      else void store.loadOlder();
      link.answersSign = false;
      await vi.advanceTimersByTimeAsync(4900);
      expect(connector.getConnection()).toEqual({ state: "live" });
      await vi.advanceTimersByTimeAsync(200);
      expect(connector.getConnection().state).not.toBe("live");
      expect(link.connects).toBe(2);
    }
  });

  test("that is only slow keeps its connection, and is not asked about what it has answered", async () => {
    const { connector, store, link } = live();
    const alive = vi.spyOn(link, "alive");
    store.send("ada", "hi");
    await vi.advanceTimersByTimeAsync(11_000);
    expect(connector.getConnection()).toEqual({ state: "live" });
    expect(alive).toHaveBeenCalledTimes(2);
    link.sent[0]?.answer(ok("me-0"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(alive).toHaveBeenCalledTimes(2);
  });

  test("is asked once, however much is under way", async () => {
    const { store, link } = live();
    const alive = vi.spyOn(link, "alive").mockReturnValue(new Promise(() => {}));
    for (let i = 0; i < 10; i++) store.send("ada", "hi");
    await vi.advanceTimersByTimeAsync(12_000);
    expect(alive).toHaveBeenCalledOnce();
  });
});

describe("the clock of the computer is put back an hour", () => {
  const hour = 3_600_000;
  const putBack = () => vi.setSystemTime(Date.now() - hour);

  test("what comes is news all the same, and typists are forgotten in time", () => {
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

  test("TYP-1 others hear of typing all the same", () => {
    const { store, link } = live();
    store.typing("ada", true);
    store.typing("ada", false);
    putBack();
    vi.advanceTimersByTime(2000);
    store.typing("ada", true);
    expect(link.typed).toEqual([true, false, true]);
  });

  test("P4 a message that may be forgotten is not sent again, in this page or the next", async () => {
    const { connector, store, link, memory } = live();
    store.send("ada", "hi");
    putBack();
    link.drop();
    vi.advanceTimersByTime(dedupeMs + 1);
    const next = openStore({ memory });
    for (const opened of [{ connector, store, link }, next]) {
      opened.connector.start();
      opened.link.accept(false, "1700000009999-0");
      expect(opened.store.getState().outbox[0]?.delivery).toEqual({ kind: "failed", why: "expired" });
    }
  });

  test("P4 a computer that slept, whose steady clock stood still, sends no message again that may be forgotten", () => {
    const { store, link } = live();
    store.send("ada", "hi");
    link.drop();
    vi.setSystemTime(Date.now() + hour);
    link.accept(false, "1700000009999-0");
    expect(store.getState().outbox[0]?.delivery).toEqual({ kind: "failed", why: "expired" });
  });

  test("a connection that lived long is tried again at once", () => {
    const { connector, link } = live();
    vi.advanceTimersByTime(5000);
    putBack();
    link.drop();
    expect(connector.getConnection().state).toBe("recovering");
  });
});
