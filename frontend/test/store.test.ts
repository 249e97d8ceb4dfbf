import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { dedupeMs, maxOutgoing } from "@/outbox/outbox";
import { firstState } from "@/room/store";
import { sendable } from "@/text/sendable";
import { maxEntries } from "@/timeline/timeline";
import { FakeMemory, openStore } from "./fakelink";
import { placed, placedRange } from "./make";

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

describe("sending", () => {
  test("pending, then acked, then in its place", async () => {
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

  test("a server that keeps silent while the connection lives is a failure, too", async () => {
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

test("blank lines around a message are not sent, and its own are", () => {
  const { store, link } = live();
  store.send("ada", " \n\n  indented\n\nand more \n \n");
  expect(link.sent[0]?.message).toBe("  indented\n\nand more");
  expect(store.send("ada", `\n\n${"x".repeat(4000)}\n\n`)).toBeUndefined();
  // In a time that grows with the text, not faster.
  expect(sendable(`${" \n".repeat(50_000)}x${" \n".repeat(50_000)}y`)).toHaveLength(100_002);
});

describe("pitfall 4: offline", () => {
  test("nothing is handed over without a connection; all is sent once, in order, when there is one", () => {
    const { connector, store, link } = openStore();
    connector.start();
    for (const text of ["one", "two", "three"]) store.send("ada", text);
    expect(link.sent).toEqual([]);
    expect(kinds(store)).toEqual(["waiting", "waiting", "waiting"]);
    link.accept();
    expect(link.sent.map(({ message }) => message)).toEqual(["one", "two", "three"]);
  });

  test("what was not acked when the connection broke is sent again with the same id", () => {
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

  test("P6 the outbox is bounded, and says so", () => {
    const { store } = openStore();
    for (let i = 0; i < maxOutgoing; i++) expect(store.send("ada", `m${i}`)).toBeUndefined();
    expect(store.send("ada", "one too many")).toBe("outbox_full");
    expect(store.getState().outbox).toHaveLength(maxOutgoing);
  });

  test("P4 what was stored, and whose echo did not come before the connection broke for good, is not waited for", async () => {
    const { store, link } = live();
    store.send("ada", "hi");
    link.sent[0]?.answer(ok("me-0"));
    await vi.advanceTimersByTimeAsync(0);
    link.drop();
    link.accept(true);
    expect(kinds(store)).toEqual(["stored"]); // What was missed is still to come.
    link.drop();
    link.accept(false, "1700000009999-0");
    expect(kinds(store)).toEqual([]);
  });

  test("P4 who retries what may be forgotten sends it anew, and for as long as any other", async () => {
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

  test("P4 what may have been stored too long ago to be recognised is not sent again by itself", () => {
    const { store, link } = live();
    store.send("ada", "sent");
    link.drop();
    store.send("ada", "never sent");
    vi.advanceTimersByTime(dedupeMs + 1);
    link.accept(false, "1700000009999-0");
    expect(link.sent.map(({ message }) => message)).toEqual(["sent", "never sent"]);
    expect(store.getState().outbox[0]?.delivery).toEqual({ kind: "failed", why: "expired" });
    // Its own echo in the history that follows settles the question.
    link.listener.message(placed(9, { id: "me-0", message: "sent" }));
    expect(store.getState().outbox.map(({ text }) => text)).toEqual(["never sent"]);
  });

  test("pitfall 3: one that was stored before what this connection brings is not waited for", async () => {
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

  test("what an earlier version or another page left there does no harm", () => {
    for (const text of ["", "{", "7", "null", '[null,1,{"id":1}]', '{"a":1}']) {
      const memory = new FakeMemory();
      memory.set("chat.outbox", text);
      expect(openStore({ memory }).store.getState()).toEqual(firstState);
    }
  });
});

describe("coming back", () => {
  test("P3 recovered: goes on without a gap", () => {
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
    const filled = store.fillGap(after);
    void store.fillGap(after); // A second click asks for nothing.
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
    const filled = store.fillGap(placed(1).offset);
    link.asked[0]?.answer(undefined);
    await filled;
    expect(store.getState().timeline.gaps).toMatchObject([{ state: "failed" }]);
  });

  test("pitfall 5: tries at once when asked, and only once at a time", () => {
    const { connector, link } = openStore();
    connector.start();
    connector.start();
    connector.retryNow();
    expect(link.connects).toBe(1);
    link.listener.failed({ kind: "unreachable" });
    expect(connector.getConnection()).toMatchObject({ state: "offline", cause: "unreachable" });
    connector.retryNow();
    expect(link.connects).toBe(2);
    link.accept();
    connector.retryNow();
    expect(link.connects).toBe(2);
  });

  test("pitfall 5: a connection that died while the computer slept is replaced when the page is seen again", async () => {
    const { connector, link } = live();
    connector.pageShown();
    await vi.advanceTimersByTimeAsync(0);
    expect(link.connects).toBe(1);
    link.answersSign = false;
    connector.pageShown();
    await vi.advanceTimersByTimeAsync(0);
    expect(link.connects).toBe(2);
    expect(connector.getConnection().state).toBe("recovering");
  });

  test("tries by itself, at the time it says", () => {
    const { connector, link } = openStore();
    connector.start();
    link.listener.failed({ kind: "unreachable" });
    const connection = connector.getConnection();
    const retryAt = "retryAt" in connection ? Number(connection.retryAt) : 0;
    vi.advanceTimersByTime(retryAt - Date.now() - 1);
    expect(link.connects).toBe(1);
    vi.advanceTimersByTime(1);
    expect(link.connects).toBe(2);
  });

  test("the network goes and comes", () => {
    let network = true;
    const { connector, link } = openStore({ network: () => network });
    connector.start();
    link.accept();
    network = false;
    connector.networkChanged();
    expect(connector.getConnection()).toMatchObject({ state: "offline", cause: "no_network" });
    network = true;
    connector.networkChanged();
    expect(link.connects).toBe(2);
  });

  test("a server that takes us in and drops us at once is not asked again and again", () => {
    const random = vi.spyOn(Math, "random").mockReturnValue(0.5); // the first retry may come at once otherwise
    onTestFinished(() => random.mockRestore());
    const { connector, link } = openStore();
    connector.start();
    for (let i = 0; i < 3; i++) {
      link.accept();
      link.drop();
      vi.advanceTimersByTime(200);
    }
    expect(link.connects).toBe(1);
    expect(connector.getConnection()).toMatchObject({ state: "offline", cause: "unreachable" });
  });

  test("a connection outlives the time that its attempt had", () => {
    const { connector, link } = live();
    vi.advanceTimersByTime(60_000);
    expect(connector.getConnection()).toEqual({ state: "live" });
    expect(link.connects).toBe(1);
  });

  test("an attempt without an end is ended", () => {
    const { connector, link } = openStore();
    connector.start();
    vi.advanceTimersByTime(3000);
    expect(connector.getConnection()).toEqual({ state: "connecting", waking: true, retryAt: null });
    vi.advanceTimersByTime(25_000);
    expect(link.connects).toBeGreaterThan(1);
  });
});

describe("older messages", () => {
  test("come before the first, page by page, until there are none", async () => {
    const { store, link } = live();
    link.listener.message(placed(150));
    const loaded = store.loadOlder();
    void store.loadOlder();
    expect(link.asked).toMatchObject([{ before: placed(150).offset, limit: 100 }]);
    link.asked[0]?.answer({ status: "ok", messages: placedRange(50, 150), more: true });
    await loaded;
    expect(store.getState()).toMatchObject({ older: "idle", timeline: { more: true } });
    const rest = store.loadOlder();
    link.asked[1]?.answer({ status: "ok", messages: placedRange(0, 50), more: false });
    await rest;
    await store.loadOlder();
    expect(link.asked).toHaveLength(2);
    expect(store.getState().timeline.entries).toHaveLength(151);
  });

  test("pitfall 3: an own message that they or a gap bring is no longer waited for", async () => {
    const { store, link } = live();
    link.listener.message(placed(150));
    for (const text of ["in a page", "in a gap", "nowhere"]) store.send("ada", text);
    const older = store.loadOlder();
    link.asked[0]?.answer({ status: "ok", messages: [placed(149, { id: "me-0", message: "in a page" })], more: true });
    await older;
    expect(store.getState().outbox.map(({ text }) => text)).toEqual(["in a gap", "nowhere"]);
    link.drop();
    link.accept(false, placed(160).offset);
    link.listener.message(placed(161));
    vi.advanceTimersByTime(100);
    const filled = store.fillGap(placed(150).offset);
    link.asked[1]?.answer({ status: "ok", messages: [placed(155, { id: "me-1", message: "in a gap" })], more: false });
    await filled;
    expect(store.getState().outbox.map(({ text }) => text)).toEqual(["nowhere"]);
  });

  test("P6 a page that is full asks for no more", async () => {
    const { store, link } = live();
    for (let i = 0; i < maxEntries; i += 5000) {
      for (const message of placedRange(i, i + 5000)) link.listener.message(message);
      vi.advanceTimersByTime(100);
    }
    await store.loadOlder();
    expect(link.asked).toEqual([]);
  });

  test("HIS-5 too fast for the server is patience, not failure", async () => {
    const { store, link } = live();
    void store.loadOlder();
    link.asked[0]?.answer(refusal("rate_limited"));
    await vi.advanceTimersByTimeAsync(1000);
    expect(link.asked).toHaveLength(2);
    expect(store.getState().older).toBe("loading");
    link.asked[1]?.answer(refusal("unavailable"));
    await vi.advanceTimersByTimeAsync(0);
    expect(store.getState().older).toBe("failed");
  });
});

describe("the rest of the room", () => {
  test("a burst is drawn in batches, and loses nothing", () => {
    const { store, link } = live();
    let drawn = 0;
    store.subscribe(() => void drawn++);
    for (const message of placedRange(0, 1000)) link.listener.message(message);
    vi.advanceTimersByTime(50);
    expect(store.getState().timeline.entries).toHaveLength(1000);
    expect(drawn).toBeLessThan(10);
  });

  test("what was there before we came is no news; what comes later is", () => {
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

  test("of the history that follows a reconnect only the end is news", () => {
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

  test("a subscriber that left is not told", () => {
    const { store, link } = live();
    const told = vi.fn();
    store.subscribe(told)();
    link.listener.presence(7);
    expect(told).not.toHaveBeenCalled();
    expect(store.getState().online).toBe(7);
  });
});

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

  test("TYP-3 many key strokes are few notices", () => {
    const { store, link } = live();
    for (let i = 0; i < 50; i++) {
      store.typing("ada", true);
      vi.advanceTimersByTime(100);
    }
    expect(link.typed).toEqual([true, true]);
    vi.advanceTimersByTime(4000);
    expect(link.typed).toEqual([true, true, false]);
  });

  test("TYP-3 an end and a new beginning keep the distance that the server asks for", () => {
    const { store, link } = live();
    store.typing("ada", true);
    store.typing("ada", false);
    store.typing("ada", true);
    expect(link.typed).toEqual([true, false]);
    vi.advanceTimersByTime(1200);
    store.typing("ada", true);
    expect(link.typed).toEqual([true, false, true]);
  });

  test("a message says itself that its author stopped", () => {
    const { store, link } = live();
    store.typing("ada", true);
    store.send("ada", "hi");
    store.typing("ada", false);
    vi.advanceTimersByTime(10_000);
    expect(link.typed).toEqual([true]);
  });
});

test("TYP-1 whoever typed a few letters too early is announced once it is time", () => {
  const { store, link } = live();
  store.typing("ada", true);
  store.send("ada", "hi");
  store.typing("ada", true);
  vi.advanceTimersByTime(1300);
  expect(link.typed).toEqual([true, true]);
});
