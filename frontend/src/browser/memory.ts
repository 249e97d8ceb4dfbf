/** Keeps text. Forgets what it cannot keep, and never throws. */
export interface Memory {
  get(key: string): string | null;
  set(key: string, value: string): void;
}

/** storageMemory keeps text in a storage of the browser; where that is full or forbidden, only as long as the page. */
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
  };
}
