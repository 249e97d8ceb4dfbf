import { Names, noNames } from "@/text/mentions";
import type { Entry } from "@/timeline/entries";
import type { Person } from "@/wire/contract";
import { anonymous } from "@/wire/limits";
import { compareOffsets } from "@/wire/offset";
import type { RoomState } from "./state";

/** More authors are not known: the first ones are forgotten. */
const mostAuthors = 1000;

type Shown = Pick<RoomState, "timeline" | "past" | "present">;

/**
 * KnownNames collects whom the messages of a room may mention: those who are here, the authors of what is shown, and
 * oneself. Its work grows with what is new, and not
 * with the list. Nobody is meant by the name of those who have none.
 */
export class KnownNames {
  readonly #authors = new Set<string>();
  #entries: readonly Entry[] = [];
  #people: readonly Person[] = [];
  #username: string | null = null;
  #names = noNames;

  /** The names as they are now: the same object while there are no others. */
  update({ timeline, past, present: { people } }: Shown, username: string | null): Names {
    const isNew = this.#addAuthors((past ?? timeline).entries);
    if (!isNew && people === this.#people && username === this.#username) return this.#names;
    [this.#people, this.#username] = [people, username];
    const all = [...(username === null ? [] : [username]), ...people.map(({ name }) => name), ...this.#authors];
    this.#names = new Names([...new Set(all)].filter((name) => name !== anonymous));
    return this.#names;
  }

  /** Entries are added at either end, or replaced by others. Returns whether there is a new author. */
  #addAuthors(entries: readonly Entry[]): boolean {
    const [first, last] = [this.#entries[0]?.offset, this.#entries.at(-1)?.offset];
    const count = this.#authors.size;
    const isNewer = ({ offset }: Entry) => last === undefined || compareOffsets(offset, last) > 0;
    const isOlder = ({ offset }: Entry) => first === undefined || compareOffsets(offset, first) < 0;
    const newer = entries.slice(entries.findLastIndex((entry) => !isNewer(entry)) + 1);
    const kept = entries.findIndex((entry) => !isOlder(entry));
    for (const { username } of [...entries.slice(0, kept < 0 ? undefined : kept), ...newer])
      this.#authors.add(username);
    this.#entries = entries;
    const isNew = this.#authors.size > count;
    for (const name of this.#authors) if (this.#authors.size > mostAuthors) this.#authors.delete(name);
    return isNew;
  }
}
