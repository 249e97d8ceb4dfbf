import type { Memory } from "@/browser/memory";
import { checkUsername, type Username } from "@/wire/limits";

/** Who we are in this tab. Immutable; a change makes a new one. */
export interface Me {
  /** Null until a name was chosen. */
  readonly username: string | null;
  /** What the form begins with: the name last used in this browser. */
  readonly remembered: string;
  /** Marks the messages of this browser. */
  readonly tag: string;
  /** All names that this tab has used. */
  readonly names: readonly string[];
}

export const nobody: Me = { username: null, remembered: "", tag: "", names: [] };

const maxNames = 20;
const keys = { tag: "chat.tag", remembered: "chat.username", username: "chat.joined", names: "chat.names" };

/** Identity keeps who we are: the tag and the last name for this browser, the names in use for this tab. */
export class Identity {
  readonly #browser: Memory;
  readonly #tab: Memory;
  readonly #subscribers = new Set<() => void>();
  #me: Me;

  /** What `browser` keeps is shared by all tabs and outlives them; what `tab` keeps survives a reload. */
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

  /** Takes a name, the first or another one; a name that the server would refuse changes nothing. */
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
 * isMine tells own messages from those of namesakes by the tag in the id, and from those of another person in another
 * tab of this browser by the name. A message sent under an earlier name stays ours.
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
