import { steadyNow } from "@/browser/clock";
import type { HistoryAnswer, HistoryRequest, MessageAnswer } from "@/wire/contract";
import {
  type ConnectFailure,
  type Connection,
  type ConnectionEvent,
  firstConnection,
  isAttempting,
  nextConnection,
  retryDelay,
} from "./connection";
import type { Link, OpenLink, Requests, RoomEvents } from "./link";

/** An attempt that has no answer after this long is reported as slow. */
const slowMs = 3000;
/** An attempt ends after this long. The link's own time-out covers the transport only. */
const attemptMs = 25_000;
/** Only a connection that lived this long resets the count of failures. */
const stableMs = 3000;
/**
 * The first attempt after a loss comes within this time, so that the clients of a lost node do not return in one
 * moment.
 */
const firstRetryMs = 600;
/** A request without an answer for this long makes the connector ask for a sign of life. */
const patienceMs = 5000;

type Timer = ReturnType<typeof setTimeout>;

/** What a room hears from the connector. It is told before the subscribers, and may send from within a call. */
export interface RoomListener extends RoomEvents {
  /** A connection is established. Recovered: exactly the missed messages follow. */
  connected(recovered: boolean): void;
  lost(): void;
}

/**
 * Connector owns the link to the server and decides when to connect. `Connection` is its whole state; the timers follow
 * from it. Rooms send through the connector and listen to it; the connector knows nothing about them.
 */
export class Connector implements Requests {
  readonly #link: Link;
  readonly #hasNetwork: () => boolean;
  readonly #rooms = new Set<RoomListener>();
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
      connected: (recovered) => this.#connected(recovered),
      lost: () => this.#lost(),
      failed: (failure) => this.#failed(failure),
      joined: (at) => this.#tellRooms((room) => room.joined(at)),
      message: (message) => this.#tellRooms((room) => room.message(message)),
      presence: (online) => this.#tellRooms((room) => room.presence(online)),
      typing: (notice) => this.#tellRooms((room) => room.typing(notice)),
    });
  }

  getConnection = (): Connection => this.#connection;

  /** Calls back after each transition, until the returned function is called. */
  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    return () => void this.#subscribers.delete(callback);
  };

  /** Reports connections and events to a room, until the returned function is called. */
  listen(room: RoomListener): () => void {
    this.#rooms.add(room);
    return () => void this.#rooms.delete(room);
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

  send(message: { message: string; username: string; id: string }): Promise<MessageAnswer | undefined> {
    return this.#watched(this.#link.send(message));
  }

  history(request: HistoryRequest): Promise<HistoryAnswer | undefined> {
    return this.#watched(this.#link.history(request));
  }

  typing(notice: { username: string; typing: boolean }): void {
    this.#link.typing(notice);
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
  }

  #connected(recovered: boolean): void {
    this.#connectedAt = steadyNow();
    this.#become({ type: "connected" }, (room) => room.connected(recovered));
  }

  #lost(): void {
    if (this.#connection.state !== "live") {
      this.#failed({ kind: "unreachable" });
      return;
    }
    if (steadyNow() - this.#connectedAt >= stableMs) this.#failures = 0;
    const retryAt = steadyNow() + Math.random() * firstRetryMs;
    this.#become({ type: "lost", retryAt }, (room) => room.lost());
    if (this.#failures > 0) this.#failed({ kind: "unreachable" });
    else this.#failures++;
  }

  #failed(failure: ConnectFailure): void {
    const delay = retryDelay(++this.#failures, failure, Math.random());
    const retryAt = delay === null ? "by_hand" : steadyNow() + delay;
    this.#become({ type: "failed", failure, network: this.#hasNetwork(), retryAt });
  }

  #become(event: ConnectionEvent, report?: (room: RoomListener) => void): void {
    const next = nextConnection(this.#connection, event);
    if (next === this.#connection) return;
    this.#connection = next;
    if (event.type !== "slow") this.#setTimers(next);
    if (report) this.#tellRooms(report);
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

  #tellRooms(report: (room: RoomListener) => void): void {
    for (const room of [...this.#rooms]) report(room);
  }
}
