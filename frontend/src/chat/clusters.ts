/**
 * What a reader takes for one character can be several: a letter with its accents, a family, a flag. Nothing is cut
 * within one, unless it goes on for ever.
 */

const segmenter =
  typeof Intl.Segmenter === "function" ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : undefined;

/** No cluster that somebody writes is longer than this, in UTF-16 units. */
const longestCluster = 64;

/** The first cluster of a text; empty if there is none. */
export function firstCluster(text: string): string {
  const first = segmenter?.segment(text.slice(0, longestCluster))[Symbol.iterator]().next().value?.segment;
  return first !== undefined && first.length < longestCluster ? first : (Array.from(text)[0] ?? "");
}

/** Where the cluster begins that a place is in. */
export function clusterStart(text: string, place: number): number {
  const from = Math.max(place - longestCluster, 0);
  const start = segmenter?.segment(text.slice(from, place + longestCluster)).containing(place - from)?.index;
  return start ? from + start : place;
}
