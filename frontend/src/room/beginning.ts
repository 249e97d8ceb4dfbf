import { steadyNow } from "@/browser/clock";

/** A room that has fewer messages than were asked for has sent them all when none came for this long. */
const quietMs = 1000;
/** A timer that is later than this says that the page was busy: messages may wait. */
const lateMs = 250;

/**
 * Beginning tells the history that a page asked for from what was said later: the server marks neither. As many messages
 * are history as were asked for, however long the page takes for them.
 */
export class Beginning {
  #left = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #ended: () => void;

  constructor(ended: () => void = () => undefined) {
    this.#ended = ended;
  }

  /** Whether more of the history may come. */
  get isOpen(): boolean {
    return this.#left > 0;
  }

  /** The server sends at most so many messages of the past. */
  begin(asked: number): void {
    this.#left = asked;
    this.#wait();
  }

  /** Returns how many of the next messages are history. */
  take(count: number): number {
    const taken = Math.min(count, this.#left);
    this.#left -= taken;
    if (this.#left > 0) this.#wait();
    else if (taken > 0) this.#end();
    return taken;
  }

  /** Nobody waits for it any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#left = 0;
  }

  /** What follows is no history. */
  #end(): void {
    this.stop();
    this.#ended();
  }

  #wait(): void {
    clearTimeout(this.#timer);
    const due = steadyNow() + quietMs;
    this.#timer = setTimeout(() => (steadyNow() - due > lateMs ? this.#wait() : this.#end()), quietMs);
  }
}
