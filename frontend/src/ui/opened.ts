/** Opened holds the keys of the long messages that are shown in full. */
export class Opened {
  readonly #keys = new Set<string>();
  readonly #subscribers = new Set<() => void>();

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  set(key: string, whole: boolean): void {
    if (whole) this.#keys.add(key);
    else this.#keys.delete(key);
    for (const subscriber of [...this.#subscribers]) subscriber();
  }

  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    return () => void this.#subscribers.delete(callback);
  };
}
