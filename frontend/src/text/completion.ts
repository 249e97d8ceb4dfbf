import { standsAlone } from "./mentions";

/** A name that is being written behind an @. */
export interface Query {
  /** The place of the @. */
  readonly at: number;
  readonly words: string;
}

/** As long as the longest name, with room for the @. */
const mostUnits = 130;

/** The name that is being written before the caret; undefined if there is none, as within code. */
export function queryAt(text: string, caret: number): Query | undefined {
  const at = text.lastIndexOf("@", caret - 1);
  if (at < 0 || at < caret - mostUnits || !standsAlone(text, at)) return undefined;
  const words = text.slice(at + 1, caret);
  if (!/^\S(?:[^\n]*\S)?$/u.test(words)) return undefined;
  const ticks = text.slice(0, at).match(/`/g)?.length ?? 0;
  return ticks % 2 === 0 ? { at, words } : undefined;
}

/** The names that begin with the words, and then those that have them at the beginning of another word. */
export function completions<T extends { readonly name: string }>(
  words: string,
  people: readonly T[],
  most: number,
): T[] {
  const sought = letters(words);
  const [begin, within]: [T[], T[]] = [[], []];
  for (const person of people) {
    const name = letters(person.name);
    if (name.startsWith(sought)) begin.push(person);
    else if (name.includes(` ${sought}`)) within.push(person);
  }
  return [...begin, ...within].slice(0, most);
}

/** Without the marks above and below letters, which are on few keyboards. */
function letters(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
