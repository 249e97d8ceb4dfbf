import type { Memory } from "./memory";

/** Stored is a value that a browser stores for all its tabs. `read` makes the most of any text, and never throws. */
export class Stored<T extends object> {
  readonly #browser: Memory;
  readonly #key: string;
  readonly #read: (text: string | null) => T;
  readonly #subscribers = new Set<() => void>();
  #value: T;

  constructor(browser: Memory, key: string, read: (text: string | null) => T) {
    this.#browser = browser;
    this.#key = key;
    this.#read = read;
    this.#value = read(browser.get(key));
  }

  get = (): T => this.#value;

  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    return () => void this.#subscribers.delete(callback);
  };

  set(change: Partial<T>): void {
    this.#value = { ...this.#value, ...change };
    this.#browser.set(this.#key, JSON.stringify(this.#value));
    this.#tell();
  }

  /** Call it when another tab may have changed what is stored. */
  reread(): void {
    this.#value = this.#read(this.#browser.get(this.#key));
    this.#tell();
  }

  #tell(): void {
    for (const subscriber of [...this.#subscribers]) subscriber();
  }
}
