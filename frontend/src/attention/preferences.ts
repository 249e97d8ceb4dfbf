import type { Memory } from "@/browser/memory";

/** What a person may switch on. Nothing is on by itself. */
export interface Wishes {
  readonly sound: boolean;
  readonly notify: boolean;
}

export const noWishes: Wishes = { sound: false, notify: false };

const key = "chat.wishes";

/** Preferences keeps the wishes of this browser; each tab learns of a change in another. */
export class Preferences {
  readonly #browser: Memory;
  readonly #subscribers = new Set<() => void>();
  #wishes: Wishes;

  constructor(browser: Memory) {
    this.#browser = browser;
    this.#wishes = read(browser.get(key));
  }

  getWishes = (): Wishes => this.#wishes;

  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    return () => void this.#subscribers.delete(callback);
  };

  set(change: Partial<Wishes>): void {
    this.#wishes = { ...this.#wishes, ...change };
    this.#browser.set(key, JSON.stringify(this.#wishes));
    this.#tell();
  }

  /** Another tab may have changed what the browser keeps. */
  reread(): void {
    this.#wishes = read(this.#browser.get(key));
    this.#tell();
  }

  #tell(): void {
    for (const subscriber of [...this.#subscribers]) subscriber();
  }
}

function read(text: string | null): Wishes {
  try {
    const { sound, notify } = JSON.parse(text ?? "{}") as Record<string, unknown>;
    return { sound: sound === true, notify: notify === true };
  } catch {
    return noWishes;
  }
}
