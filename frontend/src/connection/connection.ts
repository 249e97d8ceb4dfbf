/**
 * The state of our connection to the server. All that differs between two states is in this union: the connector has no
 * flags beside it. Each state without a connection says in `retryAt` when the next attempt begins.
 */
export type Connection =
  /** Nothing was tried yet, or no room is left to connect for. */
  | { state: "idle" }
  /** Not connected yet. Waking: the server is silent, as a free server is that sleeps. */
  | { state: "connecting"; waking: boolean; retryAt: RetryAt }
  /** Each connection is another object of this kind. */
  | { state: "live" }
  /** The connection broke just now; the first attempt to reconnect is due within a moment. */
  | { state: "recovering"; retryAt: RetryAt }
  | { state: "offline"; cause: "no_network" | "unreachable"; retryAt: RetryAt }
  | { state: "refused"; why: Refused; retryAt: RetryAt };

/** Only a connection that lived this long resets the count of failures. */
export const stableMs = 3000;
/**
 * The first attempt after a loss comes within this time, so that the clients of a lost node do not return in one
 * moment.
 */
export const firstRetryMs = 600;

/** A time by the steady clock; null while an attempt is under way; by hand: only a person starts the next attempt. */
export type RetryAt = number | null | "by_hand";

export type Refused = "forbidden" | "too_many" | "full";

/** Why an attempt to connect failed. Silent: nothing came back in time, or only a proxy answered. */
export type ConnectFailure =
  | { kind: "unreachable" }
  | { kind: "silent" }
  | { kind: "refused"; why: Refused; retryAfterMs: number | null };

export type ConnectionEvent =
  | { type: "attempt" }
  /** The attempt has taken long. */
  | { type: "slow" }
  | { type: "connected" }
  | { type: "lost"; retryAt: RetryAt }
  /** There is no room to connect for. */
  | { type: "rested" }
  | { type: "failed"; failure: ConnectFailure; network: boolean; retryAt: RetryAt };

export const firstConnection: Connection = { state: "idle" };

/** nextConnection is the state machine: every transition of a connection is in it. */
export function nextConnection(connection: Connection, event: ConnectionEvent): Connection {
  switch (event.type) {
    case "attempt":
      return "retryAt" in connection
        ? { ...connection, retryAt: null }
        : { state: "connecting", waking: false, retryAt: null };
    case "slow":
      return connection.state === "connecting" || connection.state === "recovering"
        ? { state: "connecting", waking: true, retryAt: null }
        : connection;
    case "connected":
      return { state: "live" };
    case "lost":
      return { state: "recovering", retryAt: event.retryAt };
    case "rested":
      return firstConnection;
    case "failed":
      return failed(event.failure, event.network, event.retryAt);
  }
}

function failed(failure: ConnectFailure, network: boolean, retryAt: RetryAt): Connection {
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

/** Whether an attempt to connect is under way. */
export function isAttempting(connection: Connection): boolean {
  return "retryAt" in connection && connection.retryAt === null;
}

/**
 * The delay before the next attempt in ms: one second, doubled up to 15 seconds, times a random factor between a half
 * and one and a half, so that the clients of a lost node do not return in step. Null after a refusal for good: no
 * attempt without a person.
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
