/*
 * Clusters: what a reader sees as one character can be several, such as a letter with accents, a family or a flag. A
 * text is never cut within a cluster, unless the cluster is absurdly long.
 */

const segmenter =
  typeof Intl.Segmenter === "function" ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : undefined;

/** In UTF-16 units. Nobody writes a longer cluster. */
const longestCluster = 64;

/** The first cluster of a text; empty if the text is. */
export function firstCluster(text: string): string {
  const first = segmenter?.segment(text.slice(0, longestCluster))[Symbol.iterator]().next().value?.segment;
  return first !== undefined && first.length < longestCluster ? first : (Array.from(text)[0] ?? "");
}

/** The beginning of the cluster around a place. */
export function clusterStart(text: string, place: number): number {
  const from = Math.max(place - longestCluster, 0);
  const start = segmenter?.segment(text.slice(from, place + longestCluster)).containing(place - from)?.index;
  return start ? from + start : place;
}
