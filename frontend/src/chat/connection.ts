/**
 * How we stand with the server. `retryAt` is when the next attempt begins, by the steady clock; null while one is under
 * way, or when only a person can start one.
 */
export type Connection =
  /** Not there yet. Waking: the server is silent, as a free one is that has gone to sleep. */
  | { state: "connecting"; waking: boolean; retryAt: number | null }
  | { state: "live" }
  /** The connection broke just now; the first attempt to come back is under way. */
  | { state: "recovering" }
  | { state: "offline"; cause: "no_network" | "unreachable"; retryAt: number | null }
  | { state: "refused"; why: Refused; retryAt: number | null };

export type Refused = "forbidden" | "too_many" | "full";

/** How an attempt to connect failed. Silent: nothing came back in time, or only a proxy answered. */
export type ConnectFailure =
  | { kind: "unreachable" }
  | { kind: "silent" }
  | { kind: "refused"; why: Refused; retryAfterMs: number | null };

export type ConnectionEvent =
  | { type: "attempt" }
  | { type: "slow" }
  | { type: "connected" }
  | { type: "lost" }
  | { type: "failed"; failure: ConnectFailure; network: boolean; retryAt: number | null };

export const firstConnection: Connection = { state: "connecting", waking: false, retryAt: null };

export function connection(state: Connection, event: ConnectionEvent): Connection {
  switch (event.type) {
    case "attempt":
      return "retryAt" in state ? { ...state, retryAt: null } : state;
    case "slow":
      return state.state === "connecting" || state.state === "recovering"
        ? { state: "connecting", waking: true, retryAt: null }
        : state;
    case "connected":
      return { state: "live" };
    case "lost":
      return { state: "recovering" };
    case "failed":
      return failed(event.failure, event.network, event.retryAt);
  }
}

function failed(failure: ConnectFailure, network: boolean, retryAt: number | null): Connection {
  if (!network) return { state: "offline", cause: "no_network", retryAt };
  switch (failure.kind) {
    case "unreachable":
      return { state: "offline", cause: "unreachable", retryAt };
    case "silent":
      return { state: "connecting", waking: true, retryAt };
    case "refused":
      return { state: "refused", why: failure.why, retryAt };
  }
}

/**
 * How long to wait before the next attempt: one second, doubling to 15, each by a random half more or less, so that the
 * clients of a node that went away do not come back in step. Null: not by itself, a refusal for good.
 */
export function retryDelay(failures: number, failure: ConnectFailure, random: number): number | null {
  const jitter = 0.5 + random;
  switch (failure.kind) {
    case "unreachable":
    case "silent":
      return Math.min(1000 * 2 ** Math.min(failures - 1, 10), 15_000) * jitter;
    case "refused":
      if (failure.why === "forbidden") return null;
      return Math.min(failure.retryAfterMs ?? 10_000, 120_000) * (1 + random / 2);
  }
}
