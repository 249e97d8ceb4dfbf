import type { Memory } from "@/browser/memory";
import type { User, Welcome } from "@/wire/contract";
import { anonymous, checkUsername, firstLimits, type Limits, type Username } from "@/wire/limits";
import { readWelcome } from "@/wire/read";
import type { Rights } from "@/wire/rights";
import { Guest } from "./guest";

/** Our identity in this tab, and what the server allows us. Immutable. */
export interface Me {
  /** Null until a name is chosen. */
  readonly username: string | null;
  /** The last name used in this browser; the form offers it. */
  readonly remembered: string;
  /** Begins the ids of the messages of this browser. */
  readonly tag: string;
  /** All names that this tab has used. */
  readonly names: readonly string[];
  /** For whom we speak; null if the server has not told. */
  readonly user: User | null;
  /** The ids of the authors whose messages are ours: a browser may have been several guests, one after the other. */
  readonly authors: readonly string[];
  readonly limits: Limits;
  readonly rooms: Rights | undefined;
}

export const nobody: Me = {
  username: null,
  remembered: "",
  tag: "",
  names: [],
  user: null,
  authors: [],
  limits: firstLimits,
  rooms: undefined,
};

const most = 20;
const keys = {
  tag: "chat.tag",
  remembered: "chat.username",
  username: "chat.joined",
  names: "chat.names",
  authors: "chat.authors",
  welcome: "chat.welcome",
};

/** What a CONNECT says of us. The token is a secret. */
export interface Credentials {
  token?: string;
  username?: string;
}

/**
 * Identity stores the guest, the tag and the last name for this browser, and the names in use and the last welcome for
 * this tab.
 */
export class Identity {
  readonly #browser: Memory;
  readonly #tab: Memory;
  readonly #guest: Guest;
  readonly #subscribers = new Set<() => void>();
  #me: Me;

  /** All tabs share `browser`, which outlives them; `tab` survives a reload. */
  constructor(browser: Memory, tab: Memory) {
    this.#browser = browser;
    this.#tab = tab;
    this.#guest = new Guest(browser);
    const { user = null, limits = firstLimits, rooms } = readWelcome(parsed(tab.get(keys.welcome))) ?? {};
    this.#me = {
      username: readName(tab.get(keys.username), limits),
      remembered: browser.get(keys.remembered) ?? "",
      tag: readTag(browser),
      names: readList(tab.get(keys.names)),
      user,
      authors: readList(tab.get(keys.authors)),
      limits,
      rooms,
    };
  }

  getMe = (): Me => this.#me;

  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    return () => void this.#subscribers.delete(callback);
  };

  /** Sets the name. A name that the server would refuse changes nothing. The name that our account gives us stays. */
  rename(raw: string): Username {
    const checked = checkUsername(givenName(this.#me) ?? raw, this.#me.limits);
    if (checked.ok) this.#isCalled(checked.username);
    return checked;
  }

  newId = (): string => `${this.#me.tag}-${Date.now().toString(36)}${randomText(6)}`;

  /** What the next CONNECT says of us. A page that lets people sign in would add its token here. */
  credentials(): Credentials {
    const guest = this.#guest.read();
    const { user, username } = this.#me;
    // From now on we speak for the guest of the browser, or for a new one.
    if (guest && guest.id !== user?.id) this.#is({ user: { id: guest.id, guest: true } });
    if (!guest && user?.guest) this.#is({ user: null });
    return { ...(guest && { token: guest.token }), ...(username !== null && { username }) };
  }

  /**
   * The server has told for whom a connection speaks, and what it allows. Returns false if that is another guest than the
   * one of the other tabs, who were faster.
   */
  welcomed({ user, token, limits, rooms }: Welcome): boolean {
    const told = ({ user, limits, rooms }: Pick<Me, "user" | "limits" | "rooms">) =>
      JSON.stringify({ user, limits, rooms });
    // All rooms of a connection are told the same.
    if (told({ user, limits, rooms }) !== told(this.#me)) this.#is({ user, limits, rooms });
    return token === undefined || this.#guest.keep({ id: user.id, token });
  }

  /** The server does not know the guest of this token any more. */
  forget(token: string): void {
    this.#guest.forget(token);
  }

  #is(change: Pick<Me, "user"> & Partial<Me>): void {
    const authors = withAuthor(this.#me, change.user);
    this.#me = { ...this.#me, ...change, authors };
    const { user, limits, rooms, username } = this.#me;
    this.#tab.set(keys.authors, JSON.stringify(authors));
    this.#tab.set(keys.welcome, JSON.stringify({ user, limits, rooms }));
    const name = givenName(this.#me);
    if (name !== undefined && username !== null && username !== name) this.#isCalled(name);
    else this.#tell();
  }

  #isCalled(username: string): void {
    const names = withLast(this.#me.names, username);
    this.#me = { ...this.#me, username, remembered: username, names };
    this.#browser.set(keys.remembered, username);
    this.#tab.set(keys.username, username);
    this.#tab.set(keys.names, JSON.stringify(names));
    this.#tell();
  }

  #tell(): void {
    for (const subscriber of [...this.#subscribers]) subscriber();
  }
}

/** The name that our account gives us; undefined if we choose it. */
export function givenName(me: Me): string | undefined {
  return me.user?.name;
}

/**
 * isMine recognises own messages by their author. The tabs of a browser are one guest; there, the name tells two people
 * apart who use one browser. Messages under an earlier name of this tab stay ours. A server of version 0.1.0 names no
 * author: its messages are ours if their id has our tag.
 */
export function isMine(me: Me, { id, username, from }: { id: string; username: string; from?: string }): boolean {
  const isOurs = from === undefined ? me.tag !== "" && id.startsWith(`${me.tag}-`) : me.authors.includes(from);
  return isOurs && (me.names.includes(username) || (from !== undefined && me.user?.guest === false));
}

/** The authors that we were, if we speak for this user now. Nobody else's account is ours. */
function withAuthor({ user, authors }: Me, next: User | null): readonly string[] {
  if (next === null) return authors;
  return withLast(next.guest && user?.guest !== false ? authors : [], next.id);
}

function withLast(list: readonly string[], last: string): readonly string[] {
  return [...list.filter((text) => text !== last), last].slice(-most);
}

function readTag(browser: Memory): string {
  const known = browser.get(keys.tag);
  if (known !== null && /^[0-9a-z]{10}$/.test(known)) return known;
  const tag = randomText(10);
  browser.set(keys.tag, tag);
  return tag;
}

/** A name that the server would refuse, which nobody chose here, is none. */
function readName(text: string | null, limits: Limits): string | null {
  if (text === null) return null;
  const checked = checkUsername(text, limits);
  return checked.ok ? checked.username : anonymous;
}

function readList(text: string | null): readonly string[] {
  const list = parsed(text);
  return Array.isArray(list) ? list.filter((entry) => typeof entry === "string").slice(-most) : [];
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return undefined; // of another version
  }
}

function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}
