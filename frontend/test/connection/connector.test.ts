import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";

import { putBack } from "../clock";
import { live, ok, openConnector, openStore } from "../fakelink";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("reconnecting", () => {
  test("pitfall 5: tries at once on request, one attempt at a time", () => {
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

  test("pitfall 5: a connection that died during sleep is replaced when the page is shown", async () => {
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

  test("tries by itself at the announced time", () => {
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

  test("a server that accepts and drops us at once is not flooded with attempts", () => {
    const random = vi.spyOn(Math, "random").mockReturnValue(0.5); // otherwise the first retry may come at once
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

  test("a connection outlives the limit of its attempt", () => {
    const { connector, link } = live();
    vi.advanceTimersByTime(60_000);
    expect(connector.getConnection()).toEqual({ state: "live" });
    expect(link.connects).toBe(1);
  });

  test("a refusal for good waits for a person", () => {
    const { connector, link } = openStore();
    connector.start();
    link.listener.failed({ kind: "refused", why: "forbidden", retryAfterMs: null });
    expect(connector.getConnection()).toEqual({ state: "refused", why: "forbidden", retryAt: "by_hand" });
    vi.advanceTimersByTime(600_000);
    expect(link.connects).toBe(1);
    connector.retryNow();
    expect(link.connects).toBe(2);
  });

  test("nothing but a start begins the first attempt", () => {
    const { connector, link } = openStore();
    connector.retryNow();
    connector.pageShown();
    connector.networkChanged();
    expect(connector.getConnection()).toEqual({ state: "idle" });
    expect(link.connects).toBe(0);
  });

  test("an attempt that hangs is ended", () => {
    const { connector, link } = openStore();
    connector.start();
    vi.advanceTimersByTime(3000);
    expect(connector.getConnection()).toEqual({ state: "connecting", waking: true, retryAt: null });
    vi.advanceTimersByTime(25_000);
    expect(link.connects).toBeGreaterThan(1);
  });

  test("after a long connection the first retry comes at once, although the clock was put back", () => {
    const { connector, link } = live();
    vi.advanceTimersByTime(5000);
    putBack();
    link.drop();
    expect(connector.getConnection().state).toBe("recovering");
  });
});

describe("a silent server", () => {
  test("is asked for a sign of life after five seconds, for any request", async () => {
    for (const ask of ["send", "history"]) {
      const { connector, store, link } = live();
      if (ask === "send") store.send("ada", "hi");
      else void store.reader.loadOlder();
      link.answersSign = false;
      await vi.advanceTimersByTimeAsync(4900);
      expect(connector.getConnection()).toEqual({ state: "live" });
      await vi.advanceTimersByTimeAsync(200);
      expect(connector.getConnection().state).not.toBe("live");
      expect(link.connects).toBe(2);
    }
  });

  test("that is only slow keeps its connection, and is not asked after its answer", async () => {
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

  test("is asked once for many open requests", async () => {
    const { store, link } = live();
    const alive = vi.spyOn(link, "alive").mockReturnValue(new Promise(() => {}));
    for (let i = 0; i < 10; i++) store.send("ada", "hi");
    await vi.advanceTimersByTimeAsync(12_000);
    expect(alive).toHaveBeenCalledOnce();
  });
});

describe("rooms", () => {
  const room = (log: string[], name: string) => ({
    entered: (recovered: boolean) => void log.push(`${name} entered ${recovered}`),
    lost: () => void log.push(`${name} lost`),
    refused: (why: string) => void log.push(`${name} ${why}`),
    joined: (at: string) => void log.push(`${name} joined ${at}`),
    message: () => void log.push(`${name} message`),
    presence: () => void log.push(`${name} presence`),
    typing: () => void log.push(`${name} typing`),
  });

  /** A live connection that let us into room a and has not answered for room b. */
  function two() {
    const log: string[] = [];
    const { connector, link } = openConnector();
    const a = connector.join("a", room(log, "a"));
    const b = connector.join("b", room(log, "b"));
    connector.start();
    link.accept(false, "5-0", "a");
    return { log, connector, link, a, b };
  }

  test("hear of the connection before the subscribers, in the new state, until they leave", () => {
    const { connector, link } = openConnector();
    const log: string[] = [];
    connector.join("a", { ...room(log, "a"), entered: () => void log.push(connector.getConnection().state) });
    const b = connector.join("b", room(log, "b"));
    connector.start();
    connector.subscribe(() => void log.push("subscriber"));
    link.accept(false, "5-0", "a");
    link.accept(true, "5-0", "b");
    expect(log).toEqual(["live", "subscriber", "a joined 5-0", "b entered true"]);
    log.length = 0;
    b.leave();
    expect(link.at("b").gone).toBe(true);
    link.drop();
    expect(log).toEqual(["a lost", "subscriber"]);
  });

  test("P10 share one connection, and each asks once for itself", () => {
    const { connector, link } = two();
    connector.join("c", room([], "c"));
    expect(link.connects).toBe(1);
    expect([...link.rooms.values()].map(({ enters }) => enters)).toEqual([1, 1, 1]);
    vi.advanceTimersByTime(5000);
    link.drop();
    vi.advanceTimersByTime(600);
    expect(link.connects).toBe(2);
    expect(link.at("a").enters).toBe(2);
  });

  test("ROOM-7 a refusal is for good and does not concern the others", () => {
    const { log, connector, link, b } = two();
    link.at("b").listener.refused("room_forbidden");
    expect(log).toContain("b room_forbidden");
    expect(connector.getConnection()).toEqual({ state: "live" });
    link.drop();
    vi.advanceTimersByTime(600);
    expect(link.at("a").enters).toBe(2);
    link.accept(true, "5-0", "a");
    vi.advanceTimersByTime(600_000);
    expect(link.at("b").enters).toBe(1);
    b.retryNow();
    expect(link.at("b").enters).toBe(2);
  });

  test("without a room that lets us in there is no connection, until a person tries again", () => {
    const { connector, link } = openConnector();
    const member = connector.join("a", room([], "a"));
    connector.start();
    link.at("a").listener.refused("too_many_rooms");
    expect(connector.getConnection()).toEqual({ state: "idle" });
    vi.advanceTimersByTime(600_000);
    expect(link.connects).toBe(1);
    member.retryNow();
    expect(link.connects).toBe(2);
    expect(link.at("a").enters).toBe(2);
  });

  test("P10 a room that costs the others their connection asks later than they do", () => {
    const random = vi.spyOn(Math, "random").mockReturnValue(0.5); // a jitter of one
    onTestFinished(() => random.mockRestore());
    const { link } = two();
    // The server closes the transport because room b cannot be served now (ROOM-8).
    for (let times = 1; times <= 5; times++) {
      vi.advanceTimersByTime(10_000);
      link.drop();
      vi.advanceTimersByTime(600);
      link.accept(true, "5-0", "a");
    }
    expect(link.at("a").enters).toBe(6);
    // By now it waits for fifteen seconds from the loss of the connection.
    expect(link.at("b").enters).toBe(5);
    vi.advanceTimersByTime(14_000);
    expect(link.at("b").enters).toBe(5);
    vi.advanceTimersByTime(400);
    expect(link.at("b").enters).toBe(6);
    // Once inside, it is like the others.
    link.accept(false, "5-0", "b");
    link.drop();
    vi.advanceTimersByTime(600);
    expect(link.at("b").enters).toBe(7);
  });

  test("a stay that the server ends is asked for again, over the same connection", () => {
    const { log, link } = two();
    vi.advanceTimersByTime(5000);
    link.at("a").listener.lost();
    expect(log).toContain("a lost");
    vi.advanceTimersByTime(600);
    expect(link.at("a").enters).toBe(2);
    // A short stay counts as trouble.
    for (let times = 1; times <= 3; times++) {
      link.accept(true, "5-0", "a");
      link.at("a").listener.lost();
    }
    vi.advanceTimersByTime(400);
    expect(link.at("a").enters).toBe(2);
    expect(link.connects).toBe(1);
  });

  test("a room that was left does not ask again", () => {
    const { link, b } = two();
    vi.advanceTimersByTime(5000);
    link.drop();
    b.leave();
    vi.advanceTimersByTime(60_000);
    expect(link.at("b").enters).toBe(1);
  });
});
