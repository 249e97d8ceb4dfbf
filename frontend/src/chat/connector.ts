import { steadyNow } from "./clock";
import {
  type ConnectFailure,
  type Connection,
  type ConnectionEvent,
  connection,
  firstConnection,
  retryDelay,
} from "./connection";
import type { Link } from "./link";

/** After this long without an answer we say that the server is waking. */
const slowMs = 3000;
/** The link's own time-out covers the transport only. */
const attemptMs = 25_000;
/** A connection that lived shorter than this does not make up for the failures before it. */
const stableMs = 3000;
/** So that the clients of a node that goes away do not come back in one moment. */
const firstRetryMs = 600;

type Timer = ReturnType<typeof setTimeout>;

/** Connector decides when to try to connect, and says how we stand. */
export class Connector {
  readonly #link: Link;
  readonly #hasNetwork: () => boolean;
  readonly #tell: (connection: Connection) => void;
  #connection: Connection = firstConnection;
  #started = false;
  #attempting = false;
  #checking = false;
  #failures = 0;
  #liveSince: number | null = null;
  #slow: Timer | undefined;
  #overdue: Timer | undefined;
  #retry: Timer | undefined;

  constructor(link: Link, hasNetwork: () => boolean, tell: (connection: Connection) => void) {
    this.#link = link;
    this.#hasNetwork = hasNetwork;
    this.#tell = tell;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#attempt();
  }

  /** Tries at once, unless we are connected or an attempt is under way. */
  retryNow(): void {
    if (this.#started && !this.#attempting && this.#liveSince === null) this.#attempt();
  }

  /** The page is seen again. A connection may have died while the computer slept, and nobody was told. */
  seenAgain(): Promise<void> {
    this.retryNow();
    return this.check();
  }

  /** Asks a connection for a sign of life, and begins another if none comes. */
  async check(): Promise<void> {
    const since = this.#liveSince;
    if (since === null || this.#checking) return;
    this.#checking = true;
    const alive = await this.#link.alive();
    this.#checking = false;
    if (alive || this.#liveSince !== since) return;
    this.#link.close();
    this.retryNow();
  }

  /** The browser says that the network came or went. An attempt on the old network would hang. */
  networkChanged(): void {
    if (!this.#started) return;
    if (this.#hasNetwork()) {
      if (this.#liveSince !== null) {
        void this.seenAgain();
        return;
      }
      this.#endAttempt();
      this.#link.close();
      this.#attempt();
      return;
    }
    const wasLive = this.#liveSince !== null;
    this.#link.close(); // Tells `lost` if there was a connection.
    if (wasLive || this.#attempting) this.failed({ kind: "unreachable" });
  }

  connected(): void {
    this.#endAttempt();
    clearTimeout(this.#retry);
    this.#liveSince = steadyNow();
    this.#change({ type: "connected" });
  }

  lost(): void {
    if (this.#liveSince === null) {
      this.failed({ kind: "unreachable" });
      return;
    }
    if (steadyNow() - this.#liveSince >= stableMs) this.#failures = 0;
    this.#liveSince = null;
    this.#change({ type: "lost" });
    if (this.#failures > 0) {
      this.failed({ kind: "unreachable" });
      return;
    }
    this.#failures++;
    this.#schedule(Math.random() * firstRetryMs);
  }

  failed(failure: ConnectFailure): void {
    this.#endAttempt();
    const delay = retryDelay(++this.#failures, failure, Math.random());
    const retryAt = delay === null ? null : steadyNow() + delay;
    this.#change({ type: "failed", failure, network: this.#hasNetwork(), retryAt });
    this.#schedule(delay);
  }

  #schedule(delay: number | null): void {
    clearTimeout(this.#retry);
    if (delay !== null) this.#retry = setTimeout(() => this.#attempt(), delay);
  }

  #attempt(): void {
    clearTimeout(this.#retry);
    this.#attempting = true;
    this.#change({ type: "attempt" });
    this.#slow = setTimeout(() => this.#change({ type: "slow" }), slowMs);
    this.#overdue = setTimeout(() => {
      this.#link.close();
      this.failed({ kind: "silent" });
    }, attemptMs);
    this.#link.connect();
  }

  #endAttempt(): void {
    this.#attempting = false;
    clearTimeout(this.#slow);
    clearTimeout(this.#overdue);
  }

  #change(event: ConnectionEvent): void {
    this.#connection = connection(this.#connection, event);
    this.#tell(this.#connection);
  }
}
