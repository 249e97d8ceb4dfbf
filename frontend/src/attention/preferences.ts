import type { Memory } from "@/browser/memory";

/** Of which messages a person wants to hear while they are elsewhere. */
export const abouts = ["all", "mentions", "none"] as const;
export type About = (typeof abouts)[number];

/** The signals that a person can switch on. All are off at first. */
export interface Wishes {
  /** Holds for the signals and for the counts in the title and on the button of the rooms. */
  readonly about: About;
  readonly sound: boolean;
  readonly notify: boolean;
}

export const noWishes: Wishes = { about: "all", sound: false, notify: false };

const key = "chat.wishes";

/** Preferences stores the wishes of this browser for all its tabs. */
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

  /** Call it when another tab may have changed the stored wishes. */
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
    const { about, sound, notify } = JSON.parse(text ?? "{}") as Record<string, unknown>;
    return { about: abouts.find((one) => one === about) ?? "all", sound: sound === true, notify: notify === true };
  } catch {
    return noWishes;
  }
}
