import type { Memory } from "@/browser/memory";
import { clusterStart } from "@/text/clusters";

/** Somebody whose messages are not shown. The name is the one that they had then. */
export interface HiddenPerson {
  readonly id: string;
  readonly name: string;
}

/** At most so many people are hidden; more show the first again. */
export const mostHidden = 200;
/** As much of a name is recorded as helps to recognise it. */
const nameChars = 64;

const key = "chat.hidden";

/** Hidden stores whose messages this browser does not show, for all its tabs. The server does not know of it. */
export class Hidden {
  readonly #browser: Memory;
  readonly #subscribers = new Set<() => void>();
  #people: readonly HiddenPerson[];
  #ids: ReadonlySet<string>;

  constructor(browser: Memory) {
    this.#browser = browser;
    this.#people = read(browser.get(key));
    this.#ids = idsOf(this.#people);
  }

  /** In the order in which they were hidden. */
  getPeople = (): readonly HiddenPerson[] => this.#people;

  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    return () => void this.#subscribers.delete(callback);
  };

  /** Whether an author is hidden. Messages of version 0.1 name none. */
  has(id: string | undefined): boolean {
    return id !== undefined && this.#ids.has(id);
  }

  hide(id: string, name: string): void {
    const person = { id, name: recordedName(name) };
    this.#write((people) => [...people.filter((other) => other.id !== id), person].slice(-mostHidden));
  }

  show(id: string): void {
    this.#write((people) => people.filter((other) => other.id !== id));
  }

  /** Call it when another tab may have changed the list. */
  reread(): void {
    this.#are(read(this.#browser.get(key)));
  }

  /** Another tab may have changed the list meanwhile. */
  #write(change: (people: readonly HiddenPerson[]) => readonly HiddenPerson[]): void {
    const people = change(read(this.#browser.get(key)));
    this.#browser.set(key, JSON.stringify(people));
    this.#are(people);
  }

  #are(people: readonly HiddenPerson[]): void {
    if (JSON.stringify(people) === JSON.stringify(this.#people)) return;
    this.#people = people;
    this.#ids = idsOf(people);
    for (const subscriber of [...this.#subscribers]) subscriber();
  }
}

/** The part of a name that is recorded, without half a character at its end. */
export function recordedName(name: string): string {
  return name.length > nameChars ? name.slice(0, clusterStart(name, nameChars)) : name;
}

function idsOf(people: readonly HiddenPerson[]): ReadonlySet<string> {
  return new Set(people.map(({ id }) => id));
}

function read(text: string | null): readonly HiddenPerson[] {
  try {
    const list: unknown = JSON.parse(text ?? "[]");
    const people = Array.isArray(list) ? list.flatMap(person) : [];
    return [...new Map(people.map((one) => [one.id, one])).values()].slice(-mostHidden);
  } catch {
    return []; // of another version
  }
}

function person(value: unknown): HiddenPerson[] {
  const { id, name } = (value ?? {}) as Record<string, unknown>;
  return typeof id === "string" && typeof name === "string" ? [{ id, name: recordedName(name) }] : [];
}
