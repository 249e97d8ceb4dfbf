/** What of the Web Locks API is needed. Not there on pages that came by plain http from elsewhere. */
export type Locks = Pick<LockManager, "query" | "request">;

const speakerLock = "chat.speaker";
const seenLock = "chat.seen";

/**
 * Tabs of one browser agree who makes itself heard: one of them, and only if none can be seen. A tab that ends gives up
 * its locks without a word.
 */
export class Tabs {
  #locks: Locks | undefined;
  #stands = false;
  #speaker = false;
  #leave: (() => void) | undefined;
  #seen = false;

  constructor(locks: Locks | undefined) {
    this.#locks = locks;
  }

  /** Stands for speaker, for as long as the tab lives. Further calls change nothing. */
  stand(): void {
    if (!this.#locks || this.#stands) return;
    this.#stands = true;
    const forEver = new Promise<void>(() => {});
    this.#mind(
      this.#locks.request(speakerLock, () => {
        this.#speaker = true;
        return forEver;
      }),
    );
  }

  /** Says whether this tab can be seen. */
  setSeen(seen: boolean): void {
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#leave?.();
    this.#leave = undefined;
    if (!seen || !this.#locks) return;
    const left = new Promise<void>((resolve) => {
      this.#leave = resolve;
    });
    this.#mind(this.#locks.request(seenLock, { mode: "shared" }, () => left));
  }

  /** Whether this tab is the one to make itself heard now. */
  async maySpeak(): Promise<boolean> {
    if (this.#seen) return false;
    if (!this.#locks) return true;
    if (!this.#speaker) return false;
    const { held } = await this.#locks.query().catch(() => ({ held: [] }));
    return !held?.some((lock) => lock.name === seenLock);
  }

  /** Where locks are there and are refused, as to a page without an origin, it is as if there were none. */
  #mind(request: Promise<unknown>): void {
    request.catch(() => {
      this.#locks = undefined;
    });
  }
}
