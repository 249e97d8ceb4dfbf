import { createHash } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { attention, pageTitle } from "@/attention/news";
import { Preferences } from "@/attention/preferences";
import { type Locks, Tabs } from "@/attention/tabs";
import { storageMemory } from "@/browser/memory";
import { serverUrl } from "@/chat/serverurl";
import { shortened } from "@/text/shortened";
import { policy, withPolicy } from "../scripts/csp.mjs";
import { firstLoad } from "../scripts/size.mjs";
import { FakeMemory } from "./fakelink";
import { placed } from "./make";

describe("pitfall 11: the address of the server", () => {
  test("is needed by a production build only", () => {
    expect(() => serverUrl(undefined, true)).toThrow(/NEXT_PUBLIC_SERVER_URL is not set/);
    expect(() => serverUrl("", true)).toThrow(/NEXT_PUBLIC_SERVER_URL is not set/);
    expect(serverUrl(undefined, false)).toBe("http://localhost:8000");
    expect(serverUrl("https://chat.example.com/", true)).toBe("https://chat.example.com");
  });

  test.each(["chat.example.com", "ftp://chat.example.com", "https://chat.example.com/socket.io"])(
    "is not %s",
    (url) => {
      expect(() => serverUrl(url, true)).toThrow();
    },
  );
});

describe("an address that is none is refused with what to write", () => {
  test.each([
    ["chat.example.com", "write https://chat.example.com"],
    ["localhost:8000", "write http://localhost:8000"],
    ["'https://chat.example.com'", "write https://chat.example.com"],
    ["wss://chat.example.com", "write https://chat.example.com"],
    ["ws://localhost:8000/socket.io/", "write http://localhost:8000"],
    ["https://chat.example.com/socket.io", "write https://chat.example.com"],
    ["https://chat.example.com/?x=1", "write https://chat.example.com"],
    ["ftp://chat.example.com", "must be like https://chat.example.com"],
    ["https://", "must be like https://chat.example.com"],
  ])("%s", (url, want) => {
    expect(() => serverUrl(url, true)).toThrow(want);
  });
});

describe("the policy of a page", () => {
  const html = `<!DOCTYPE html><html><head><meta charSet="utf-8"/><title>x</title><script src="/a.js"></script></head><body><script>one()</script></body></html>`;

  test("names the inline scripts and the server, by http and by WebSocket", () => {
    const text = policy(html, "https://chat.example.com");
    const hash = createHash("sha256").update("one()").digest("base64");
    expect(text).toContain(`script-src 'self' 'sha256-${hash}';`);
    expect(text.match(/'sha256-/g)).toHaveLength(1);
    expect(text).toContain("connect-src 'self' https://chat.example.com wss://chat.example.com;");
    expect(policy(html, "http://127.0.0.1:8000")).toContain("http://127.0.0.1:8000 ws://127.0.0.1:8000");
    expect(text).not.toContain("unsafe");
  });

  test("comes before everything that it governs, once", () => {
    const marked = withPolicy(html, "https://chat.example.com");
    expect(marked.indexOf("Content-Security-Policy")).toBeLessThan(marked.indexOf("<script"));
    expect(() => withPolicy(marked, "https://chat.example.com")).toThrow(/already/);
  });

  test("a page that it would break fails the build", () => {
    for (const bad of ['<p style="color:red">', "<style>p{}</style>", '<p onclick="x()">']) {
      expect(() => withPolicy(html.replace("<body>", `<body>${bad}`), "https://x.example")).toThrow(/inline/);
    }
  });

  test("the size of the first load counts scripts, but not those for old browsers", () => {
    const page = `<script src="/a.js"></script><script src="/old.js" noModule=""></script>`;
    const read = vi.fn(() => Buffer.from("a();"));
    expect(firstLoad(page, read)).toBeGreaterThan(10);
    expect(read.mock.calls).toEqual([["/a.js"]]);
  });
});

describe("memory", () => {
  test("a storage that is full or forbidden lasts as long as the page", () => {
    const full = {
      getItem: () => "old",
      setItem: () => {
        throw new Error("full");
      },
    } as unknown as Storage;
    const memory = storageMemory(() => full);
    expect(memory.get("k")).toBe("old");
    memory.set("k", "new");
    expect(memory.get("k")).toBe("new");
    const forbidden = storageMemory(() => {
      throw new Error("forbidden");
    });
    expect(forbidden.get("k")).toBeNull();
    forbidden.set("k", "v");
    expect(forbidden.get("k")).toBe("v");
  });

  test("nothing is switched on by itself, and another tab may switch it", () => {
    const browser = new FakeMemory();
    const [one, two] = [new Preferences(browser), new Preferences(browser)];
    expect(one.getWishes()).toEqual({ sound: false, notify: false });
    two.set({ sound: true });
    one.reread();
    expect(one.getWishes()).toEqual({ sound: true, notify: false });
    browser.set("chat.wishes", "{");
    expect(new Preferences(browser).getWishes()).toEqual({ sound: false, notify: false });
  });
});

describe("news", () => {
  test("the title counts", () => {
    expect([0, 1, 99, 100].map(pageTitle)).toEqual(["Chat", "(1) Chat", "(99) Chat", "(99+) Chat"]);
  });

  test("one headline, whatever comes at once", () => {
    expect(attention([])).toEqual({ unread: 0, headline: null });
    expect(attention([placed(1)]).headline).toEqual({ title: "ada", body: "text 1" });
    expect(attention([placed(1), placed(2)])).toEqual({ unread: 2, headline: { title: "ada", body: "text 2" } });
    expect(attention([placed(1, { username: "bob" }), placed(2)]).headline?.title).toBe("ada and others");
  });

  test("a long text is cut between characters", () => {
    expect(shortened("😀".repeat(10), 5)).toBe(`${"😀".repeat(4)}…`);
    expect(shortened("short", 5)).toBe("short");
  });
});

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

  test("one of them speaks, and only if none can be seen; another takes over when it is closed", async () => {
    const browser = new Browser();
    const opened = [browser.open(), browser.open(), browser.open()];
    const tabs = opened.map(({ locks }) => new Tabs(locks));
    for (const tab of tabs) tab.stand();
    expect(await speaking(tabs)).toEqual([true, false, false]);
    tabs[2]?.setSeen(true);
    expect(await speaking(tabs)).toEqual([false, false, false]);
    tabs[2]?.setSeen(false);
    await vi.waitFor(async () => expect(await speaking(tabs)).toEqual([true, false, false]));
    opened[0]?.close();
    expect(await speaking(tabs.slice(1))).toEqual([true, false]);
  });

  test("where locks are refused each tab speaks for itself, and nothing goes wrong unheard", async () => {
    const refuse = () => Promise.reject(new DOMException("no origin", "SecurityError"));
    const tab = new Tabs({ request: refuse, query: refuse } as unknown as Locks);
    tab.setSeen(true);
    tab.stand();
    tab.setSeen(false);
    await vi.waitFor(async () => expect(await tab.maySpeak()).toBe(true));
  });

  test("without locks each tab speaks for itself", async () => {
    const tab = new Tabs(undefined);
    tab.stand();
    expect(await tab.maySpeak()).toBe(true);
    tab.setSeen(true);
    expect(await tab.maySpeak()).toBe(false);
  });
});
