import { steadyNow } from "@/browser/clock";

/** A beginning is repeated this often while typing goes on: others forget a typist after five seconds (TYP-5). */
const repeatMs = 3000;
/** The server refuses more than one beginning a second (TYP-3). */
const shortestMs = 1200;
/** Nothing typed for this long is the end of typing. */
const idleMs = 4000;

/** OwnTyping turns key strokes into few notices. */
export class OwnTyping {
  readonly #tell: (notice: { username: string; typing: boolean }) => void;
  #username = "";
  #typing = false;
  #announced = false;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #early: ReturnType<typeof setTimeout> | undefined;

  constructor(tell: (notice: { username: string; typing: boolean }) => void) {
    this.#tell = tell;
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

  /** The message itself tells that its author no longer types. */
  sent(): void {
    clearTimeout(this.#idle);
    this.#typing = false;
    this.#announced = false;
  }

  /** The next connection knows nothing of this one. */
  disconnected(): void {
    this.#announced = false;
    this.#announcedAt = Number.NEGATIVE_INFINITY;
  }

  #announce(): void {
    clearTimeout(this.#early);
    if (!this.#typing) return;
    const wait = this.#announcedAt + (this.#announced ? repeatMs : shortestMs) - steadyNow();
    if (wait > 0) {
      // Too early; once it is time, whoever types a few letters only is seen, too.
      if (!this.#announced) this.#early = setTimeout(() => this.#announce(), wait);
      return;
    }
    this.#announced = true;
    this.#announcedAt = steadyNow();
    this.#tell({ username: this.#username, typing: true });
  }

  #end(): void {
    this.#typing = false;
    if (!this.#announced) return;
    this.#announced = false;
    this.#tell({ username: this.#username, typing: false });
  }
}
