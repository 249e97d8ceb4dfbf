import type { Memory } from "@/browser/memory";
import { checkUsername, type Username } from "@/wire/limits";

/** Our identity in this tab. Immutable. */
export interface Me {
  /** Null until a name is chosen. */
  readonly username: string | null;
  /** The last name used in this browser; the form offers it. */
  readonly remembered: string;
  /** Marks the messages of this browser. */
  readonly tag: string;
  /** All names that this tab has used. */
  readonly names: readonly string[];
}

export const nobody: Me = { username: null, remembered: "", tag: "", names: [] };

const maxNames = 20;
const keys = { tag: "chat.tag", remembered: "chat.username", username: "chat.joined", names: "chat.names" };

/** Identity stores the tag and the last name for this browser, and the names in use for this tab. */
export class Identity {
  readonly #browser: Memory;
  readonly #tab: Memory;
  readonly #subscribers = new Set<() => void>();
  #me: Me;

  /** All tabs share `browser`, which outlives them; `tab` survives a reload. */
  constructor(browser: Memory, tab: Memory) {
    this.#browser = browser;
    this.#tab = tab;
    this.#me = {
      username: tab.get(keys.username),
      remembered: browser.get(keys.remembered) ?? "",
      tag: readTag(browser),
      names: readNames(tab.get(keys.names)),
    };
  }

  getMe = (): Me => this.#me;

  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    return () => void this.#subscribers.delete(callback);
  };

  /** Sets the name. A name that the server would refuse changes nothing. */
  rename(raw: string): Username {
    const checked = checkUsername(raw);
    if (!checked.ok) return checked;
    const { username } = checked;
    const names = [...this.#me.names.filter((name) => name !== username), username].slice(-maxNames);
    this.#me = { ...this.#me, username, remembered: username, names };
    this.#browser.set(keys.remembered, username);
    this.#tab.set(keys.username, username);
    this.#tab.set(keys.names, JSON.stringify(names));
    for (const subscriber of [...this.#subscribers]) subscriber();
    return checked;
  }

  newId = (): string => `${this.#me.tag}-${Date.now().toString(36)}${randomText(6)}`;
}

/**
 * isMine recognises own messages: the tag in the id excludes namesakes, and the name excludes another person in another
 * tab of this browser. Messages under an earlier name of this tab stay ours.
 */
export function isMine(me: Me, message: { id: string; username: string }): boolean {
  return me.tag !== "" && message.id.startsWith(`${me.tag}-`) && me.names.includes(message.username);
}

function readTag(browser: Memory): string {
  const known = browser.get(keys.tag);
  if (known !== null && /^[0-9a-z]{10}$/.test(known)) return known;
  const tag = randomText(10);
  browser.set(keys.tag, tag);
  return tag;
}

function readNames(text: string | null): readonly string[] {
  try {
    const names: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(names) ? names.filter((name) => typeof name === "string").slice(-maxNames) : [];
  } catch {
    return [];
  }
}

function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}
