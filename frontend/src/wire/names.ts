/*
 * Names as people see them (MSG-7, MSG-8). The server applies the same rules in server/internal/chat/name.go; the
 * fixtures test both.
 */

const space = /[\s\u2800]/u;
/** Characters that show nothing by themselves. */
const invisible = /[\p{Cf}\p{Default_Ignorable_Code_Point}\ufffc\u{1d159}]/u;
const mark = /\p{M}/u;
const symbol = /\p{S}/u;
const virama = /[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca]/u;
/** Letters of the blocks Arabic and Arabic Supplement, and those that never join the next letter. */
const arabic = /^(?=[\u0620-\u077f])(?=\p{Script=Arabic})\p{L}$/u;
const standsAlone =
  /[\u0621-\u0625\u0627\u0629\u062f-\u0632\u0648\u0671-\u0677\u0688-\u0699\u06c0\u06c3-\u06cb\u06cd\u06cf\u06d2-\u06d5\u06ee\u06ef\u0759-\u075b\u076b\u076c\u0771\u0773\u0774\u0778\u0779]/u;
/** The flags of England, Scotland and Wales: a black flag and tags. Tags anywhere else are hidden text. */
const flag =
  /^\u{1f3f4}\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}/u;
/** The beginning of the blocks of emoji. Two symbols below it are never joined. */
const pictographs = "\u{1f000}".codePointAt(0) ?? 0;

/** visibleName returns the visible part of a name; empty if there is none. */
export function visibleName(name: string): string {
  const seen: string[] = [];
  let gap = false;
  const chars = Array.from(name);
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] ?? "";
    if (space.test(char)) {
      gap = true;
      continue;
    }
    if (invisible.test(char) && (gap || !isNeeded(seen, char, chars[i + 1] ?? ""))) continue;
    // A leading mark would be drawn over the text before the name.
    if (seen.length === 0 && mark.test(char)) continue;
    if (gap && seen.length > 0) seen.push(" ");
    gap = false;
    const tags = flag.test(chars.slice(i, i + 7).join("")) ? 6 : 0;
    seen.push(...chars.slice(i, i + 1 + tags));
    i += tags;
  }
  return seen.join("");
}

/** Whether an invisible character changes the look of its neighbours; `before` is the visible name so far. */
function isNeeded(before: readonly string[], char: string, next: string): boolean {
  const last = before.at(-1);
  if (last === undefined) return false;
  switch (char) {
    case "\ufe0f": // makes a symbol coloured
      return symbol.test(last) || next === "\u20e3";
    case "\u200d":
      return virama.test(last) || joinsSymbols(last, next);
    case "\u200c":
      return virama.test(last) || (arabic.test(next) && joinsOn(before));
    default:
      return false;
  }
}

function joinsSymbols(last: string, next: string): boolean {
  const highest = Math.max(last.codePointAt(0) ?? 0, next.codePointAt(0) ?? 0);
  return (symbol.test(last) || last === "\ufe0f") && symbol.test(next) && highest >= pictographs;
}

/** Whether the last letter, ignoring its marks, is an Arabic one that joins the next letter. */
function joinsOn(before: readonly string[]): boolean {
  const letter = before.findLast((char) => !mark.test(char)) ?? "";
  return arabic.test(letter) && !standsAlone.test(letter);
}
