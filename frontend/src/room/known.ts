import type { Named } from "@/people/typists";
import { Names, noNames } from "@/text/mentions";
import { countUpTo, type Entry } from "@/timeline/entries";
import type { Person } from "@/wire/contract";
import { anonymous } from "@/wire/limits";
import type { RoomState } from "./state";

/** More authors are not known: the first ones are forgotten. An author with two names counts twice. */
const mostAuthors = 1000;

type Shown = Pick<RoomState, "timeline" | "past" | "present">;

/**
 * KnownNames collects whom the messages of a room may mention: those who are here, the authors of what was shown, and
 * oneself. Its work grows with what is new, and not with the list. Nobody is meant by the name of those who have none.
 */
export class KnownNames {
  readonly #known = new Map<string, Named>();
  #authors: readonly Named[] = [];
  /** The entries that were read: the end of the room, and a stretch of its past. */
  #read: readonly (readonly Entry[])[] = [];
  #people: readonly Person[] = [];
  #username: string | null = null;
  #names = noNames;

  /** The authors of all that was shown, each with each of their names: the same object while there are no others. */
  get authors(): readonly Named[] {
    return this.#authors;
  }

  /** The names as they are now: the same object while there are no others. */
  update({ timeline, past, present: { people } }: Shown, username: string | null): Names {
    const lists = [timeline.entries, past?.entries ?? []];
    const isNew = this.#addAuthors(lists.flatMap((entries, i) => added(this.#read[i] ?? [], entries)));
    this.#read = lists;
    if (!isNew && people === this.#people && username === this.#username) return this.#names;
    [this.#people, this.#username] = [people, username];
    const named = [...people, ...this.#authors].map(({ name }) => name);
    const all = username === null ? named : [username, ...named];
    this.#names = new Names([...new Set(all)].filter((name) => name !== anonymous));
    return this.#names;
  }

  /** Returns whether there is a new author, or a new name of one. */
  #addAuthors(entries: readonly Entry[]): boolean {
    const count = this.#known.size;
    for (const { from, username, verified } of entries) {
      const key = `${from ?? ""} ${username}`;
      if (!this.#known.has(key)) this.#known.set(key, { id: from, name: username, verified });
    }
    if (this.#known.size === count) return false;
    for (const key of this.#known.keys()) if (this.#known.size > mostAuthors) this.#known.delete(key);
    this.#authors = [...this.#known.values()];
    return true;
  }
}

/** The entries that were not in a list before: at either end, or all if some have come between, which fill a gap. */
function added(before: readonly Entry[], entries: readonly Entry[]): readonly Entry[] {
  if (entries === before) return [];
  const [first, last] = [before[0], before.at(-1)];
  if (!first || !last) return entries;
  if (countWithin(entries, before) > countWithin(before, entries)) return entries;
  return [...entries.slice(0, countBefore(entries, first)), ...entries.slice(countUpTo(entries, last.offset))];
}

/** How many entries of a list are between the ends of another one. */
function countWithin(entries: readonly Entry[], other: readonly Entry[]): number {
  const [first, last] = [other[0], other.at(-1)];
  return first && last ? countUpTo(entries, last.offset) - countBefore(entries, first) : 0;
}

function countBefore(entries: readonly Entry[], { offset }: Entry): number {
  const upTo = countUpTo(entries, offset);
  return entries[upTo - 1]?.offset === offset ? upTo - 1 : upTo;
}
