import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { marginMs, maxOutgoing } from "@/outbox/outbox";
import { firstState } from "@/room/state";
import { minDedupeMs } from "@/wire/limits";

import { hour, putBack } from "../clock";
import { FakeMemory, type FakeSelf, kinds, live, ok, openStore, refusal } from "../fakelink";
import { placed, placedRange } from "../make";

/** For so long a message is sent again by itself. */
const dedupeMs = minDedupeMs - marginMs;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("sending", () => {
  test("pending, then acked, then in the timeline", async () => {
    const { store, link } = live();
    expect(store.send("ada", "hi")).toBeUndefined();
    expect(kinds(store)).toEqual(["sending"]);
    link.sent[0]?.answer(ok("me-0"));
    await vi.advanceTimersByTimeAsync(0);
    expect(kinds(store)).toEqual(["stored"]);
    link.listener.message(placed(5, { id: "me-0", message: "hi" }));
    expect(store.getState().outbox).toEqual([]);
    expect(store.getState().timeline.entries).toHaveLength(1);
  });

  test("the echo may be faster than the ack", async () => {
    const { store, link } = live();
    store.send("ada", "hi");
    link.listener.message(placed(5, { id: "me-0", message: "hi" }));
    link.sent[0]?.answer(ok("me-0"));
    await vi.advanceTimersByTimeAsync(0);
    expect(store.getState().outbox).toEqual([]);
  });

  test("P4 a failed message is retried with the same id", async () => {
    const { store, link } = live();
    store.send("ada", "hi");
    link.sent[0]?.answer(refusal("unavailable"));
    await vi.advanceTimersByTimeAsync(0);
    expect(store.getState().outbox[0]?.delivery).toEqual({ kind: "failed", why: "unavailable" });
    store.retry("me-0");
    expect(link.sent.map(({ id }) => id)).toEqual(["me-0", "me-0"]);
    link.sent[1]?.answer(ok("me-0"));
    await vi.advanceTimersByTimeAsync(0);
    expect(kinds(store)).toEqual(["stored"]);
  });

  test("no answer on a live connection is a failure", async () => {
    const { store, link } = live();
    store.send("ada", "hi");
    link.sent[0]?.answer(undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect(store.getState().outbox[0]?.delivery).toEqual({ kind: "failed", why: "no_answer" });
    store.discard("me-0");
    expect(store.getState().outbox).toEqual([]);
  });

  test("refuses what the server would refuse", () => {
    const { store, link } = live();
    expect(store.send("ada", " \n ")).toBe("empty");
    expect(store.send("ada", "x".repeat(4001))).toBe("too_long");
    expect(link.sent).toEqual([]);
  });
});

describe("pitfall 4: offline", () => {
  test("nothing is sent without a connection; then everything is sent once, in order", () => {
    const { connector, store, link } = openStore();
    connector.start();
    for (const text of ["one", "two", "three"]) store.send("ada", text);
    expect(link.sent).toEqual([]);
    expect(kinds(store)).toEqual(["waiting", "waiting", "waiting"]);
    link.accept();
    expect(link.sent.map(({ message }) => message)).toEqual(["one", "two", "three"]);
  });

  test("a message without an ack is sent again with the same id after a reconnect", () => {
    const { store, link } = live();
    store.send("ada", "hi");
    link.drop();
    expect(kinds(store)).toEqual(["waiting"]);
    link.accept(true);
    expect(link.sent.map(({ id }) => id)).toEqual(["me-0", "me-0"]);
  });

  test("the outbox survives a reload", () => {
    const first = openStore();
    first.store.send("ada", "hi");
    const second = openStore({ memory: first.memory });
    expect(second.store.getState().outbox).toHaveLength(1);
    second.connector.start();
    second.link.accept();
    expect(second.link.sent).toMatchObject([{ id: "me-0", message: "hi", username: "ada" }]);
    second.link.listener.message(placed(1, { id: "me-0", message: "hi" }));
    expect(openStore({ memory: first.memory }).store.getState().outbox).toEqual([]);
  });

  test("P6 the outbox is bounded and reports it", () => {
    const { store } = openStore();
    for (let i = 0; i < maxOutgoing; i++) expect(store.send("ada", `m${i}`)).toBeUndefined();
    expect(store.send("ada", "one too many")).toBe("outbox_full");
    expect(store.getState().outbox).toHaveLength(maxOutgoing);
  });

  test("P4 a stored message leaves the outbox when its echo can no longer come", async () => {
    const { store, link } = live();
    store.send("ada", "hi");
    link.sent[0]?.answer(ok("me-0"));
    await vi.advanceTimersByTimeAsync(0);
    link.drop();
    link.accept(true);
    expect(kinds(store)).toEqual(["stored"]); // The missed messages are still due.
    link.drop();
    link.accept(false, "1700000009999-0");
    expect(kinds(store)).toEqual([]);
  });

  test("P4 a retry of an expired message counts as a new message", async () => {
    const { store, link } = live();
    store.send("ada", "hi");
    link.drop();
    vi.advanceTimersByTime(dedupeMs + 1);
    link.accept(false, "1700000009999-0");
    expect(store.getState().outbox[0]?.delivery).toEqual({ kind: "failed", why: "expired" });
    store.retry("me-0");
    link.drop();
    link.accept(false, "1700000009999-0");
    expect(kinds(store)).toEqual(["sending"]);
  });

  test("P4 an expired message is not sent again by itself", () => {
    const { store, link } = live();
    store.send("ada", "sent");
    link.drop();
    store.send("ada", "never sent");
    vi.advanceTimersByTime(dedupeMs + 1);
    link.accept(false, "1700000009999-0");
    expect(link.sent.map(({ message }) => message)).toEqual(["sent", "never sent"]);
    expect(store.getState().outbox[0]?.delivery).toEqual({ kind: "failed", why: "expired" });
    // Its echo in the history proves that it was stored.
    link.listener.message(placed(9, { id: "me-0", message: "sent" }));
    expect(store.getState().outbox.map(({ text }) => text)).toEqual(["never sent"]);
  });

  test("pitfall 3: a retry of a message from before this connection does not wait for an echo", async () => {
    const first = live();
    for (const text of ["earlier", "hi"]) first.store.send("ada", text);
    first.link.listener.message(placed(4, { id: "me-0", message: "earlier" }));
    const { connector, store, link } = openStore({ memory: first.memory });
    connector.start();
    link.accept(false, placed(100).offset);
    for (const message of placedRange(101, 151)) link.listener.message(message);
    store.send("ada", "later");
    link.sent[0]?.answer({ status: "ok", id: "me-1", at: placed(5).at });
    link.sent[1]?.answer({ status: "ok", id: "me-0", at: placed(151).at });
    await vi.advanceTimersByTimeAsync(0);
    expect(store.getState().outbox).toMatchObject([{ text: "later", delivery: { kind: "stored" } }]);
  });

  test("stored text of another version or page does no harm", () => {
    for (const text of ["", "{", "7", "null", '[null,1,{"id":1}]', '{"a":1}']) {
      const memory = new FakeMemory();
      memory.set("chat.outbox", text);
      expect(openStore({ memory }).store.getState()).toEqual(firstState);
    }
  });

  test("a stored message with a time that is none is dropped, and of two with one id the second", () => {
    const memory = new FakeMemory();
    const item = (id: string, text: string, at: unknown) => ({ id, username: "ada", text, at });
    const stored = [item("a", "never", 1e300), item("b", "first", 1), item("b", "second", 2), item("c", "no", "1")];
    memory.set("chat.outbox", JSON.stringify(stored));
    expect(
      openStore({ memory })
        .store.getState()
        .outbox.map(({ text }) => text),
    ).toEqual(["first"]);
  });
});

describe("a silent server", () => {
  test("P4 a message without an answer is sent again with the same id after a reconnect", async () => {
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

  test("P4 a message without an answer is sent again after a reload, unless it has expired", async () => {
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

  test("P4 ERR-2 a refused message is left to the person", async () => {
    const { store, link } = live();
    store.send("ada", "hi");
    link.sent[0]?.answer(refusal("rate_limited"));
    await vi.advanceTimersByTimeAsync(0);
    link.drop();
    link.accept(true);
    expect(kinds(store)).toEqual(["failed"]);
  });
});

describe("the clock of the computer is put back an hour", () => {
  test("P4 an expired message is not sent again, in this page or the next", async () => {
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

  test("P4 an expired message is not sent again after a sleep that stopped the steady clock", () => {
    const { store, link } = live();
    store.send("ada", "hi");
    link.drop();
    vi.setSystemTime(Date.now() + hour);
    link.accept(false, "1700000009999-0");
    expect(store.getState().outbox[0]?.delivery).toEqual({ kind: "failed", why: "expired" });
  });
});

describe("as whom a message was sent", () => {
  const guest = (id: string) => ({ user: { id, guest: true }, authors: [id] });
  const as = (identity: FakeSelf, id: string, dedupeMs = identity.me.limits.dedupeMs) => {
    identity.me = { ...identity.me, ...guest(id), limits: { ...identity.me.limits, dedupeMs } };
  };

  test("P4 P11 one that another author may have sent is left to the person, one that was never sent is not", () => {
    const { store, link, identity, memory } = live();
    as(identity, "~1"); // the welcome comes after the first message
    store.send("ada", "sent");
    link.drop();
    store.send("ada", "never sent");
    as(identity, "~2");
    const reloaded = openStore({ memory, identity });
    reloaded.connector.start();
    for (const opened of [{ store, link }, reloaded]) {
      opened.link.accept(false, "1700000009999-0");
      expect(opened.link.sent.at(-1)?.message).toBe("never sent");
      expect(opened.store.getState().outbox[0]?.delivery).toEqual({ kind: "failed", why: "expired" });
    }
    store.retry("me-0");
    expect(link.sent.at(-1)).toMatchObject({ message: "sent", id: "me-0" });
    link.drop();
    link.accept(false, "1700000009999-0");
    expect(kinds(store)).toEqual(["sending", "sending"]);
  });

  test("P4 the same author's is sent again for as long as this server recognises it", () => {
    for (const [late, again] of [
      [hour - marginMs, true],
      [hour - marginMs + 1, false],
    ] as const) {
      const { store, link, identity } = live();
      as(identity, "~1", hour);
      store.send("ada", "hi");
      link.drop();
      vi.advanceTimersByTime(late);
      link.accept(false, "1700000009999-0");
      expect(link.sent.length > 1).toBe(again);
      expect(kinds(store)).toEqual([again ? "sending" : "failed"]);
    }
  });

  test("P11 a stranger's message with the same id is no echo", () => {
    const { store, link, identity } = live();
    as(identity, "~1");
    store.send("ada", "hi");
    link.listener.message(placed(5, { id: "me-0", message: "hi", from: "~2" }));
    expect(kinds(store)).toEqual(["sending"]);
    vi.advanceTimersByTime(100);
    link.listener.message(placed(6, { id: "me-0", message: "hi", from: "~1" }));
    vi.advanceTimersByTime(100);
    expect(kinds(store)).toEqual([]);
    expect(store.getState().timeline.entries.map(({ from }) => from)).toEqual(["~2", "~1"]);
  });

  test("MSG-5 the limit of this server holds before a message is sent", () => {
    const { store, link, identity } = live();
    identity.me = { ...identity.me, limits: { ...identity.me.limits, messageChars: 2 } };
    expect(store.send("ada", "abc")).toBe("too_long");
    expect(store.send("ada", "ab")).toBeUndefined();
    expect(link.sent).toHaveLength(1);
  });
});
