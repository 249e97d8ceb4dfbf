import type { TypingNotice } from "@/wire/contract";

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

function kept(state: Typists, keep: (typist: Typist) => boolean): Typists {
  return state.every(keep) ? state : state.filter(keep);
}

/** The names to show, at most three, and the number of the others. */
export function namedTypists(typists: Typists): { names: readonly string[]; more: number } {
  const names = typists.slice(0, 3).map((typist) => typist.username);
  return { names, more: typists.length - names.length };
}
