/** The needed part of the Web Locks API. Pages over plain http have no such API, except from localhost. */
export type Locks = Pick<LockManager, "query" | "request">;

const speakerLock = "chat.speaker";
const seenLock = "chat.seen";

/**
 * Tabs elects one speaker among the tabs of a browser. The speaker signals only while no tab is visible. The browser
 * releases the locks of a tab that ends.
 */
export class Tabs {
  #locks: Locks | undefined;
  #runs = false;
  #speaker = false;
  #releaseSeen: (() => void) | undefined;
  #seen = false;

  constructor(locks: Locks | undefined) {
    this.#locks = locks;
  }

  /** Runs for speaker as long as the tab lives. Further calls change nothing. */
  runForSpeaker(): void {
    if (!this.#locks || this.#runs) return;
    this.#runs = true;
    const forEver = new Promise<void>(() => {});
    this.#acceptRefusal(
      this.#locks.request(speakerLock, () => {
        this.#speaker = true;
        return forEver;
      }),
    );
  }

  /** Records whether this tab is visible. */
  setSeen(seen: boolean): void {
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#releaseSeen?.();
    this.#releaseSeen = undefined;
    if (!seen || !this.#locks) return;
    const left = new Promise<void>((resolve) => {
      this.#releaseSeen = resolve;
    });
    this.#acceptRefusal(this.#locks.request(seenLock, { mode: "shared" }, () => left));
  }

  /** Whether this tab may signal now. */
  async maySpeak(): Promise<boolean> {
    if (this.#seen) return false;
    if (!this.#locks) return true;
    if (!this.#speaker) return false;
    const { held } = await this.#locks.query().catch(() => ({ held: [] }));
    return !held?.some((lock) => lock.name === seenLock);
  }

  /** Refused locks, as on a page without an origin, count as missing locks. */
  #acceptRefusal(request: Promise<unknown>): void {
    request.catch(() => {
      this.#locks = undefined;
    });
  }
}
