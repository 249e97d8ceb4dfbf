import { steadyNow } from "@/browser/clock";

/** A start is repeated this often during typing: others forget a typist after five seconds (TYP-5). */
const repeatMs = 3000;
/** The server refuses more than one start a second (TYP-3). */
const shortestMs = 1200;
/** Typing ends after this long without a key stroke. */
const idleMs = 4000;

/** OwnTyping turns many key strokes into few notices to the server. */
export class OwnTyping {
  readonly #send: (notice: { username: string; typing: boolean }) => void;
  #username = "";
  #typing = false;
  #announced = false;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #early: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (notice: { username: string; typing: boolean }) => void) {
    this.#send = send;
  }

  changed(username: string, typing: boolean): void {
    clearTimeout(this.#idle);
    this.#username = username;
    if (!typing) {
      this.#end();
      return;
    }
    this.#typing = true;
    this.#idle = setTimeout(() => this.#end(), idleMs);
    this.#announce();
  }

  /** A message was sent. It ends its author's typing without a notice. */
  sent(): void {
    clearTimeout(this.#idle);
    this.#typing = false;
    this.#announced = false;
  }

  /** The next connection knows nothing of earlier notices. */
  disconnected(): void {
    this.#announced = false;
    this.#announcedAt = Number.NEGATIVE_INFINITY;
  }

  #announce(): void {
    clearTimeout(this.#early);
    if (!this.#typing) return;
    const wait = this.#announcedAt + (this.#announced ? repeatMs : shortestMs) - steadyNow();
    if (wait > 0) {
      // Too early. The delayed notice covers a person who types only a few letters.
      if (!this.#announced) this.#early = setTimeout(() => this.#announce(), wait);
      return;
    }
    this.#announced = true;
    this.#announcedAt = steadyNow();
    this.#send({ username: this.#username, typing: true });
  }

  #end(): void {
    this.#typing = false;
    if (!this.#announced) return;
    this.#announced = false;
    this.#send({ username: this.#username, typing: false });
  }
}
