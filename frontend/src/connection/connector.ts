import { steadyNow } from "@/browser/clock";
import type { RoomName } from "@/wire/rooms";
import {
  type ConnectFailure,
  type Connection,
  type ConnectionEvent,
  firstConnection,
  firstRetryMs,
  isAttempting,
  nextConnection,
  retryDelay,
  stableMs,
} from "./connection";
import type { Link, OpenLink, RoomListener } from "./link";
import { Membership, type Shared } from "./membership";

/** An attempt that has no answer after this long is reported as slow. */
const slowMs = 3000;
/** An attempt ends after this long. The link's own time-out covers the transport only. */
const attemptMs = 25_000;
/** A request without an answer for this long makes the connector ask for a sign of life. */
const patienceMs = 5000;

type Timer = ReturnType<typeof setTimeout>;

/**
 * Connector owns the link to the server and decides when to connect. `Connection` is its whole state; the timers follow
 * from it. Rooms join the connection; it is live as soon as the server has let us into one of them.
 */
export class Connector {
  readonly #link: Link;
  readonly #hasNetwork: () => boolean;
  readonly #members = new Set<Membership>();
  readonly #subscribers = new Set<() => void>();
  #connection: Connection = firstConnection;
  /** Failed attempts and short connections in a row. */
  #failures = 0;
  /** When the last connection was established. */
  #connectedAt = Number.NEGATIVE_INFINITY;
  #check: Promise<void> | undefined;
  #slow: Timer | undefined;
  #overdue: Timer | undefined;
  #retry: Timer | undefined;

  constructor(openLink: OpenLink, hasNetwork: () => boolean) {
    this.#hasNetwork = hasNetwork;
    this.#link = openLink({
      lost: () => this.#lost(),
      failed: (failure) => this.#failed(failure),
    });
  }

  getConnection = (): Connection => this.#connection;

  /** Calls back after each transition, until the returned function is called. */
  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    return () => void this.#subscribers.delete(callback);
  };

  /** Joins a room that is not joined yet. It is told before the subscribers, and may send from within a call. */
  join(name: RoomName, listener: RoomListener): Membership {
    const shared: Shared = {
      carries: () => this.#connection.state === "live" || isAttempting(this.#connection),
      entered: (report) => this.#entered(report),
      refused: () => this.#restIfUnwanted(),
      start: () => {
        this.start();
        this.retryNow();
      },
      watched: (answer) => this.#watched(answer),
      left: (membership) => void this.#members.delete(membership),
    };
    const membership = new Membership(shared, listener, (heard) => this.#link.room(name, heard));
    this.#members.add(membership);
    return membership;
  }

  /** Begins to connect. Further calls change nothing. */
  start(): void {
    if (this.#connection.state === "idle") this.#attempt();
  }

  /** Tries at once, unless there is a connection or an attempt under way. */
  retryNow(): void {
    if ("retryAt" in this.#connection && !isAttempting(this.#connection)) this.#attempt();
  }

  /** The page is visible again: a connection may have died unnoticed while the computer slept. */
  pageShown(): void {
    this.retryNow();
    void this.check();
  }

  /** The browser reports that the network came or went. An attempt over the old network would hang. */
  networkChanged(): void {
    const { state } = this.#connection;
    if (state === "idle") return;
    if (!this.#hasNetwork()) {
      const fails = state === "live" || isAttempting(this.#connection);
      this.#link.close(); // Reports `lost` if there was a connection.
      if (fails) this.#failed({ kind: "unreachable" });
    } else if (state === "live") {
      this.pageShown();
    } else {
      this.#link.close();
      this.#attempt();
    }
  }

  /** Asks for a sign of life and replaces a connection that gives none. Checks do not overlap. */
  check(): Promise<void> {
    if (this.#connection.state !== "live") return Promise.resolve();
    this.#check ??= this.#replaceIfDead(this.#connection).finally(() => {
      this.#check = undefined;
    });
    return this.#check;
  }

  /** Waits for an answer. A connection that is silent meanwhile may have died unnoticed. */
  async #watched<T>(answer: Promise<T>): Promise<T> {
    const watch = setInterval(() => void this.check(), patienceMs);
    try {
      return await answer;
    } finally {
      clearInterval(watch);
    }
  }

  async #replaceIfDead(connection: Connection): Promise<void> {
    const alive = await this.#link.alive();
    if (alive || this.#connection !== connection) return;
    this.#link.close();
    this.retryNow();
  }

  #attempt(): void {
    this.#become({ type: "attempt" });
    this.#link.connect();
    for (const member of [...this.#members]) member.ask();
  }

  #entered(report: () => void): void {
    if (this.#connection.state === "live") {
      report();
      return;
    }
    this.#connectedAt = steadyNow();
    this.#become({ type: "connected" }, report);
  }

  #lost(): void {
    if (steadyNow() - this.#connectedAt >= stableMs) this.#failures = 0;
    const retryAt = steadyNow() + Math.random() * firstRetryMs;
    this.#become({ type: "lost", retryAt }, () => this.#endRooms(true));
    if (this.#failures > 0) this.#failed({ kind: "unreachable" });
    else this.#failures++;
  }

  #failed(failure: ConnectFailure): void {
    this.#endRooms(false);
    const delay = retryDelay(++this.#failures, failure, Math.random());
    const retryAt = delay === null ? "by_hand" : steadyNow() + delay;
    this.#become({ type: "failed", failure, network: this.#hasNetwork(), retryAt });
  }

  /** Ends the connection while the server lets us into no room. */
  #restIfUnwanted(): void {
    if ([...this.#members].some((member) => !member.isRefused)) return;
    this.#failures = 0;
    this.#link.close();
    this.#become({ type: "rested" });
  }

  #endRooms(shared: boolean): void {
    for (const member of [...this.#members]) member.ended(shared);
  }

  #become(event: ConnectionEvent, report?: () => void): void {
    const next = nextConnection(this.#connection, event);
    if (next === this.#connection) return;
    this.#connection = next;
    if (event.type !== "slow") this.#setTimers(next);
    report?.();
    for (const subscriber of [...this.#subscribers]) subscriber();
  }

  #setTimers(connection: Connection): void {
    for (const timer of [this.#slow, this.#overdue, this.#retry]) clearTimeout(timer);
    if (isAttempting(connection)) {
      this.#slow = setTimeout(() => this.#become({ type: "slow" }), slowMs);
      this.#overdue = setTimeout(() => this.#giveUp(), attemptMs);
    } else if ("retryAt" in connection && typeof connection.retryAt === "number") {
      this.#retry = setTimeout(() => this.#attempt(), connection.retryAt - steadyNow());
    }
  }

  #giveUp(): void {
    this.#link.close();
    this.#failed({ kind: "silent" });
  }
}
