/* Mentions: @ and the name of a person. The wire has no mentions; each reader finds them with the names that they know. */

/** A piece of a text. The text of a mention has the @, and may have other letters than the name: small or capital ones. */
export type MentionPiece = { kind: "text"; text: string } | { kind: "mention"; text: string; name: string };

/** What an @ may stand behind: not within a word, an address of mail, or another mention. */
const before = /[\p{L}\p{N}\p{M}\p{Cf}_@./-]$/u;
/** What a name may not stand before: it would be the beginning of a longer one. */
const after = /^(?:[\p{L}\p{N}\p{M}\p{Cf}\p{Emoji_Modifier}_]|[-.@][\p{L}\p{N}])/u;

/** A name with small letters, if it stays as long. */
function folded(name: string): string {
  const small = name.toLowerCase();
  return small.length === name.length ? small : name;
}

/** The first unit of a name, without regard to case. */
const beginOf = (name: string) => folded(name.slice(0, 1));

/** Names is a set of names that a text may mention. Immutable. */
export class Names {
  readonly #exact: ReadonlySet<string>;
  readonly #folded: ReadonlyMap<string, string>;
  /** The lengths of the names that begin with a character, the longest first. */
  readonly #lengths = new Map<string, readonly number[]>();

  /** Of names that differ in small and capital letters only, the first counts for other spellings. */
  constructor(names: readonly string[]) {
    this.#exact = new Set(names);
    this.#folded = new Map(names.toReversed().map((name) => [folded(name), name]));
    for (const name of names.toSorted((a, b) => b.length - a.length)) {
      const lengths = this.#lengths.get(beginOf(name)) ?? [];
      if (lengths.at(-1) !== name.length) this.#lengths.set(beginOf(name), [...lengths, name.length]);
    }
  }

  /** The longest name at a place of a text, and its length; undefined if there is none. */
  at(text: string, place: number): string | undefined {
    for (const length of this.#lengths.get(beginOf(text.slice(place, place + 1))) ?? []) {
      const part = text.slice(place, place + length);
      const name = this.#exact.has(part) ? part : this.#folded.get(folded(part));
      if (name?.length === length && !after.test(text.slice(place + length, place + length + 3))) return name;
    }
    return undefined;
  }
}

/** Whether the @ at this place can begin a mention. */
export function standsAlone(text: string, at: number): boolean {
  return !before.test(text.slice(Math.max(at - 2, 0), at));
}

export const noNames = new Names([]);

/** The pieces together are the text. The time grows with the number of @ before the beginning of a name. */
export function splitMentions(text: string, names: Names): MentionPiece[] {
  const pieces: MentionPiece[] = [];
  let done = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", Math.max(at + 1, done))) {
    const name = standsAlone(text, at) ? names.at(text, at + 1) : undefined;
    if (name === undefined) continue;
    if (at > done) pieces.push({ kind: "text", text: text.slice(done, at) });
    done = at + 1 + name.length;
    pieces.push({ kind: "mention", text: text.slice(at, done), name });
  }
  if (done < text.length) pieces.push({ kind: "text", text: text.slice(done) });
  return pieces;
}
