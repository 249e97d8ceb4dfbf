import type { TypingNotice } from "@/wire/contract";
import { type Hidden, recordedName } from "./hidden";

/** Somebody else who is typing. Without another notice they are forgotten at `until`, by the steady clock (TYP-5). */
export interface Typist {
  readonly id: string;
  readonly username: string;
  readonly until: number;
}

export type Typists = readonly Typist[];

export const forgetTypistMs = 5000;
const maxTypists = 50;

export function heardTyping(state: Typists, notice: TypingNotice, now: number): Typists {
  const others = state.filter((typist) => typist.id !== notice.id);
  if (!notice.typing) return others.length === state.length ? state : others;
  const typist = { id: notice.id, username: notice.username, until: now + forgetTypistMs };
  const known = state.findIndex((other) => other.id === notice.id);
  if (known >= 0) return state.with(known, typist);
  return [...state, typist].slice(-maxTypists);
}

/** A message ends its author's typing. Only the name identifies the author. */
export function heardMessages(state: Typists, usernames: ReadonlySet<string>): Typists {
  return kept(state, (typist) => !usernames.has(typist.username));
}

export function forgotten(state: Typists, now: number): Typists {
  return kept(state, (typist) => typist.until > now);
}

/** Somebody who is known by a name. Messages of version 0.1 name no author. */
export interface Named {
  readonly id: string | undefined;
  readonly name: string;
  readonly verified?: true | undefined;
}

/** A notice does not name its author by an id: it is dropped if all who are known by its name are hidden. */
export function withoutHidden(
  state: Typists,
  known: readonly Named[],
  hidden: Pick<Hidden, "has" | "getPeople">,
): Typists {
  const [shown, concealed] = [new Set<string>(), new Set<string>()];
  for (const { id, name } of [...known, ...hidden.getPeople()])
    (hidden.has(id) ? concealed : shown).add(recordedName(name));
  return kept(state, ({ username }) => {
    const name = recordedName(username);
    return shown.has(name) || !concealed.has(name);
  });
}

function kept(state: Typists, keep: (typist: Typist) => boolean): Typists {
  return state.every(keep) ? state : state.filter(keep);
}

/** The names to show, at most three, and the number of the others. */
export function namedTypists(typists: Typists): { names: readonly string[]; more: number } {
  const names = typists.slice(0, 3).map((typist) => typist.username);
  return { names, more: typists.length - names.length };
}
