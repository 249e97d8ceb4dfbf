/** Memory stores text by key. It never throws. */
export interface Memory {
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
}

/**
 * storageMemory uses a storage of the browser. If that is full or forbidden, it stores text as long as the page lives.
 */
export function storageMemory(storage: () => Storage): Memory {
  const page = new Map<string, string>();
  return {
    get(key) {
      try {
        return page.get(key) ?? storage().getItem(key);
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        storage().setItem(key, value);
        page.delete(key);
      } catch {
        page.set(key, value);
      }
    },
    remove(key) {
      page.delete(key);
      try {
        storage().removeItem(key);
      } catch {
        // Nothing could be stored either.
      }
    },
  };
}
