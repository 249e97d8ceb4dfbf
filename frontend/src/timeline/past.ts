import type { Offset } from "@/wire/contract";
import { compareOffsets } from "@/wire/offset";
import { countUpTo, type Entries, type Entry, withEntries } from "./entries";
import { firstKnown, maxPastEntries, type Timeline } from "./timeline";

/**
 * A stretch of the past without a gap, which is read in place of the end of the room. Pages are added at either end, and
 * what is beyond the limit goes from the other end.
 */
export interface Past {
  /** At least one, at most `maxPastEntries`. */
  readonly entries: Entries;
  /** Every message from the first entry up to here is known. */
  readonly to: Offset;
  /** Whether the server may have messages before the first entry. */
  readonly more: boolean;
}

/** The beginning of a timeline up to its first gap; undefined if it is empty. */
export function pastOf({ entries, gaps, more }: Timeline): Past | undefined {
  const whole = gaps[0] ? countUpTo(entries, gaps[0].after) : entries.length;
  const kept = entries.slice(0, Math.min(whole, maxPastEntries));
  const to = kept.at(-1)?.offset;
  return to === undefined ? undefined : { entries: kept, to, more };
}

/** An answer with both sides of a place; undefined if it is empty. */
export function pastAround(entries: readonly Entry[], more: boolean): Past | undefined {
  const to = entries.at(-1)?.offset;
  return to === undefined ? undefined : { entries: withEntries([], entries), to, more };
}

/** Adds the messages before the first entry. */
export function withOlder(past: Past, older: readonly Entry[], more: boolean): Past {
  const all = withEntries(past.entries, older);
  const entries = all.slice(0, maxPastEntries);
  const to = entries.length < all.length ? (entries.at(-1)?.offset ?? past.to) : past.to;
  return { ...past, entries, to, more };
}

/** Adds the messages that follow. */
export function withNewer(past: Past, newer: readonly Entry[]): Past {
  const all = withEntries(past.entries, newer);
  const entries = all.slice(-maxPastEntries);
  return {
    ...past,
    entries,
    to: newer.at(-1)?.offset ?? past.to,
    more: past.more || entries.length < all.length,
  };
}

/** Whether a stretch touches what a timeline knows up to its end. Newer: the server has messages behind the stretch. */
export function reachesEnd({ to }: Past, timeline: Timeline, newer: boolean): boolean {
  const known = firstKnown(timeline);
  return known !== undefined && (!newer || compareOffsets(to, known) >= 0);
}

/** What is shown: a timeline or a stretch of the past. */
export type Stretch = Pick<Timeline, "entries"> & Partial<Pick<Timeline, "gaps">>;

/** The first message behind a place, unless one before it may be missing. More: there are others before these. */
export function firstBehind({ entries, gaps = [] }: Stretch, place: Offset, more: boolean): Entry | undefined {
  const known = countUpTo(entries, place);
  const before = entries[known - 1]?.offset;
  const isSure = before === undefined ? !more : gaps.every((gap) => gap.after !== before);
  return isSure ? entries[known] : undefined;
}

/** Whether a list of entries has one at this place. */
export function entryAt(entries: Entries, offset: Offset): Entry | undefined {
  const entry = entries[countUpTo(entries, offset) - 1];
  return entry && compareOffsets(entry.offset, offset) === 0 ? entry : undefined;
}
