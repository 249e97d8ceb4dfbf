import type { Memory } from "@/browser/memory";

const key = "chat.guest";

/** What a server could have given: one that is longer would close the connection instead of refusing the token. */
const form = /^[\x21-\x7e]{1,4096}$/;

/** What makes us the same guest again. The token is a secret: it goes to the server, in the CONNECT, and nowhere else. */
interface Kept {
  readonly id: string;
  readonly token: string;
}

/** Guest stores which guest this browser is, for all its tabs. */
export class Guest {
  readonly #browser: Memory;

  constructor(browser: Memory) {
    this.#browser = browser;
  }

  read(): Kept | undefined {
    try {
      const { id, token } = JSON.parse(this.#browser.get(key) ?? "{}") as Record<string, unknown>;
      return typeof id === "string" && typeof token === "string" && form.test(token) ? { id, token } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps the newest token of a guest. Returns false if another tab has made this browser another guest. */
  keep(guest: Kept): boolean {
    const known = this.read();
    if (known && known.id !== guest.id) return false;
    if (known?.token !== guest.token) this.#browser.set(key, JSON.stringify(guest));
    return true;
  }

  /** Forgets a token, unless another tab has a newer one. */
  forget(token: string): void {
    if (this.read()?.token === token) this.#browser.remove(key);
  }
}
