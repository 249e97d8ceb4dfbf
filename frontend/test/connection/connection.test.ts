import { describe, expect, test } from "vitest";
import {
  type ConnectFailure,
  type Connection,
  firstConnection,
  nextConnection,
  retryDelay,
} from "@/connection/connection";
import { badgeWords, bannerWords } from "@/ui/words";

const failed = (failure: ConnectFailure, network = true) =>
  nextConnection(firstConnection, { type: "failed", failure, network, retryAt: 5 });

describe("the state of the connection", () => {
  test("goes from the first attempt to a loss and back", () => {
    let state: Connection = nextConnection(firstConnection, { type: "attempt" });
    expect(state).toEqual({ state: "connecting", waking: false, retryAt: null });
    state = nextConnection(state, { type: "connected" });
    expect(state).toEqual({ state: "live" });
    state = nextConnection(state, { type: "lost", retryAt: 5 });
    expect(state).toEqual({ state: "recovering", retryAt: 5 });
    state = nextConnection(state, { type: "failed", failure: { kind: "unreachable" }, network: true, retryAt: 5 });
    expect(state).toEqual({ state: "offline", cause: "unreachable", retryAt: 5 });
    state = nextConnection(state, { type: "attempt" });
    expect(state).toEqual({ state: "offline", cause: "unreachable", retryAt: null });
    expect(nextConnection(state, { type: "connected" })).toEqual({ state: "live" });
  });

  test("pitfall 5: a silent server is waking, not offline", () => {
    const slow = nextConnection(nextConnection(firstConnection, { type: "attempt" }), { type: "slow" });
    expect(slow).toEqual({ state: "connecting", waking: true, retryAt: null });
    expect(failed({ kind: "silent" })).toEqual({ state: "connecting", waking: true, retryAt: 5 });
    expect(badgeWords(slow, "outside")).toBe("Waking the server");
    expect(bannerWords(slow)).toMatch(/waking up/);
  });

  test("a slow answer does not hide that we are offline or refused", () => {
    const offline = failed({ kind: "unreachable" });
    expect(nextConnection(offline, { type: "slow" })).toBe(offline);
    const refused = failed({ kind: "refused", why: "full", retryAfterMs: null });
    expect(nextConnection(refused, { type: "slow" })).toBe(refused);
  });

  test("without a network the cause is the network", () => {
    expect(failed({ kind: "silent" }, false)).toEqual({ state: "offline", cause: "no_network", retryAt: 5 });
  });

  test("a refusal says why", () => {
    for (const why of ["forbidden", "too_many", "full"] as const) {
      const state = failed({ kind: "refused", why, retryAfterMs: null });
      expect(state).toEqual({ state: "refused", why, retryAt: 5 });
      expect(bannerWords(state)).toBeTruthy();
    }
  });
});

describe("the delay of the next attempt", () => {
  test("grows, but stays below 22.5 seconds", () => {
    const delays = [1, 2, 3, 4, 5, 6, 50].map((n) => retryDelay(n, { kind: "unreachable" }, 0.5));
    expect(delays).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    expect(retryDelay(9, { kind: "silent" }, 0.999)).toBeLessThan(22_500);
    expect(retryDelay(1, { kind: "unreachable" }, 0)).toBe(500);
  });

  test("follows the server after a refusal; a forbidden page gets none", () => {
    expect(retryDelay(1, { kind: "refused", why: "full", retryAfterMs: 30_000 }, 0)).toBe(30_000);
    expect(retryDelay(1, { kind: "refused", why: "too_many", retryAfterMs: 1e12 }, 0)).toBe(120_000);
    expect(retryDelay(1, { kind: "refused", why: "forbidden", retryAfterMs: null }, 0)).toBeNull();
  });
});
