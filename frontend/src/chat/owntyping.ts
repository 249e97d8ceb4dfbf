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
  #announced = false;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #idle: ReturnType<typeof setTimeout> | undefined;

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
    this.#idle = setTimeout(() => this.#end(), idleMs);
    const now = Date.now();
    if (now - this.#announcedAt < (this.#announced ? repeatMs : shortestMs)) return;
    this.#announced = true;
    this.#announcedAt = now;
    this.#tell({ username, typing: true });
  }

  /** The message itself tells that its author no longer types. */
  sent(): void {
    clearTimeout(this.#idle);
    this.#announced = false;
  }

  /** The next connection knows nothing of this one. */
  disconnected(): void {
    this.#announced = false;
    this.#announcedAt = Number.NEGATIVE_INFINITY;
  }

  #end(): void {
    if (!this.#announced) return;
    this.#announced = false;
    this.#tell({ username: this.#username, typing: false });
  }
}
