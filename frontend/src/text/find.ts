/** A text as it is searched: without regard to case. Each place is that of the same character in the text itself. */
export function folded(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  // Few letters become longer, such as the Turkish İ.
  return Array.from(text, (char) => {
    const small = char.toLowerCase();
    return small.length === char.length ? small : char;
  }).join("");
}

/** Where a text has what is sought, both folded; at most so many places, and none within another. */
export function placesOf(text: string, sought: string, most: number): number[] {
  const places: number[] = [];
  if (sought === "") return places;
  for (let at = text.indexOf(sought); at >= 0 && places.length < most; at = text.indexOf(sought, at + sought.length)) {
    places.push(at);
  }
  return places;
}
