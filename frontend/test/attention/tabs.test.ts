import { describe, expect, test, vi } from "vitest";

import { type Locks, Tabs } from "@/attention/tabs";

/** Locks as a browser keeps them, for several tabs of a test. */
class Browser {
  readonly #held: { name: string; mode: string; tab: number }[] = [];
  readonly #queue: { name: string; mode: string; tab: number; begin: () => Promise<unknown> }[] = [];
  #tabs = 0;

  open(): { locks: Locks; close: () => void } {
    const tab = this.#tabs++;
    const request = (name: string, ...rest: unknown[]) => {
      const begin = rest.at(-1) as () => Promise<unknown>;
      const mode = rest.length > 1 ? "shared" : "exclusive";
      this.#queue.push({ name, mode, tab, begin });
      this.#grant();
      return Promise.resolve();
    };
    const query = async () => ({ held: this.#held.map(({ name }) => ({ name })) });
    return { locks: { request, query } as unknown as Locks, close: () => this.#drop((lock) => lock.tab === tab) };
  }

  #drop(gone: (lock: { tab: number; name: string }) => boolean): void {
    for (let i = this.#held.length - 1; i >= 0; i--) {
      const lock = this.#held[i];
      if (lock && gone(lock)) this.#held.splice(i, 1);
    }
    this.#grant();
  }

  #grant(): void {
    const next = this.#queue.findIndex(
      (wish) =>
        !this.#held.some((lock) => lock.name === wish.name && (lock.mode === "exclusive" || wish.mode === "exclusive")),
    );
    if (next < 0) return;
    const [wish] = this.#queue.splice(next, 1);
    if (!wish) return;
    const lock = { name: wish.name, mode: wish.mode, tab: wish.tab };
    this.#held.push(lock);
    void wish.begin().then(() => this.#drop((other) => other === lock));
    this.#grant();
  }
}

describe("pitfall 9: several tabs", () => {
  const speaking = (tabs: Tabs[]) => Promise.all(tabs.map((tab) => tab.maySpeak()));

  test("one tab speaks while none is visible; another takes over when it closes", async () => {
    const browser = new Browser();
    const opened = [browser.open(), browser.open(), browser.open()];
    const tabs = opened.map(({ locks }) => new Tabs(locks));
    for (const tab of tabs) tab.runForSpeaker();
    expect(await speaking(tabs)).toEqual([true, false, false]);
    tabs[2]?.setSeen(true);
    expect(await speaking(tabs)).toEqual([false, false, false]);
    tabs[2]?.setSeen(false);
    await vi.waitFor(async () => expect(await speaking(tabs)).toEqual([true, false, false]));
    opened[0]?.close();
    expect(await speaking(tabs.slice(1))).toEqual([true, false]);
  });

  test("with refused locks each tab speaks for itself, without an unhandled error", async () => {
    const refuse = () => Promise.reject(new DOMException("no origin", "SecurityError"));
    const tab = new Tabs({ request: refuse, query: refuse } as unknown as Locks);
    tab.setSeen(true);
    tab.runForSpeaker();
    tab.setSeen(false);
    await vi.waitFor(async () => expect(await tab.maySpeak()).toBe(true));
  });

  test("without locks each tab speaks for itself", async () => {
    const tab = new Tabs(undefined);
    tab.runForSpeaker();
    expect(await tab.maySpeak()).toBe(true);
    tab.setSeen(true);
    expect(await tab.maySpeak()).toBe(false);
  });
});
