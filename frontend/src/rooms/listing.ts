import type { ListedRoom } from "@/wire/contract";
import { readRooms } from "@/wire/read";

/** How often the list is fetched while somebody looks at it. The server counts anew every two seconds. */
const everyMs = 10_000;
const mostRooms = 100;

/** The part of `fetch` that is needed. */
export type Fetch = (url: string, init: { signal: AbortSignal }) => Promise<Pick<Response, "ok" | "json">>;

/**
 * Listing is the public list of rooms (ROOM-14), fetched while it has subscribers. A server without rooms has an empty
 * list; after a failure, the last answer stays.
 */
export class Listing {
  readonly #url: string;
  readonly #fetch: Fetch;
  readonly #subscribers = new Set<() => void>();
  #rooms: readonly ListedRoom[] = [];
  #stop: (() => void) | undefined;

  constructor(serverUrl: string, fetch: Fetch) {
    this.#url = `${serverUrl}/rooms`;
    this.#fetch = fetch;
  }

  getRooms = (): readonly ListedRoom[] => this.#rooms;

  /** Calls back after each change, until the returned function is called. */
  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    this.#stop ??= this.#begin();
    return () => {
      this.#subscribers.delete(callback);
      if (this.#subscribers.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  };

  #begin(): () => void {
    const ended = new AbortController();
    const ask = () => void this.#ask(ended.signal).catch(() => {}); // the next one may succeed
    const timer = setInterval(ask, everyMs);
    ask();
    return () => {
      clearInterval(timer);
      ended.abort();
    };
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const answer = await this.#fetch(this.#url, { signal });
    if (!answer.ok) return;
    const rooms = readRooms(await answer.json()).slice(0, mostRooms);
    if (signal.aborted || JSON.stringify(rooms) === JSON.stringify(this.#rooms)) return;
    this.#rooms = rooms;
    for (const subscriber of [...this.#subscribers]) subscriber();
  }
}
