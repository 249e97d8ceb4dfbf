import type { Memory } from "@/browser/memory";
import type { Entry } from "@/timeline/entries";
import type { Offset } from "@/wire/contract";
import { compareOffsets, isOffset } from "@/wire/offset";

/** LastRead stores the last-read place of a room for all tabs. It only moves forwards. */
export class LastRead {
  readonly #browser: Memory;
  readonly #key: string;
  #place: Offset | null;

  constructor(browser: Memory, key: string) {
    this.#browser = browser;
    this.#key = key;
    this.#place = this.#stored();
  }

  get place(): Offset | null {
    return this.#place;
  }

  /** Moves the place, unless it is there or beyond, and returns it. */
  advance(to: Offset): Offset {
    if (this.#place !== null && compareOffsets(to, this.#place) <= 0) return this.#place;
    this.#place = to;
    this.#browser.set(this.#key, to);
    return to;
  }

  /** Takes over the place of another tab that is further, and returns the place. */
  reread(): Offset | null {
    const stored = this.#stored();
    if (stored !== null && (this.#place === null || compareOffsets(stored, this.#place) > 0)) this.#place = stored;
    return this.#place;
  }

  forget(): void {
    this.#browser.remove(this.#key);
  }

  #stored(): Offset | null {
    const stored = this.#browser.get(this.#key);
    return isOffset(stored) ? stored : null;
  }
}

/** More unread messages are not counted. */
export const mostUnread = 100;

/** The number of messages of others behind the last-read place, at most `mostUnread`. */
export function countUnread(entries: readonly Entry[], read: Offset | null, isMine: (entry: Entry) => boolean): number {
  if (read === null) return 0;
  let unread = 0;
  for (let i = entries.length - 1; i >= 0 && unread < mostUnread; i--) {
    const entry = entries[i];
    if (entry === undefined || compareOffsets(entry.offset, read) <= 0) break;
    if (!isMine(entry)) unread++;
  }
  return unread;
}

/** The number as it is shown. */
export function unreadWords(unread: number): string {
  return unread >= mostUnread ? `${mostUnread - 1}+` : String(unread);
}
