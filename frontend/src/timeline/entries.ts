import type { Offset, PlacedMessage } from "@/wire/contract";
import { compareOffsets } from "@/wire/offset";

/** A message with its place in the one order. */
export type Entry = Readonly<PlacedMessage>;

/** Ascending by offset; no offset and no message twice. */
export type Entries = readonly Entry[];

/**
 * A program may send the same text with the same id again after this long. It exceeds what the server recognises as a
 * retry.
 */
const retryMs = 60 * 60_000;

/** withEntries adds the incoming entries that are new. Without a new one it returns the same list. */
export function withEntries(entries: Entries, incoming: readonly Entry[]): Entries {
  const byId = entriesById(entries);
  const fresh = newEntries(entries, byId, incoming);
  const oldest = fresh[0];
  if (oldest === undefined) return entries;
  const last = entries.at(-1);
  const merged =
    last === undefined || compareOffsets(last.offset, oldest.offset) < 0
      ? entries.concat(fresh)
      : interleaved(entries, fresh);
  moveIndex(byId, entries, merged);
  return merged;
}

/** withoutFirst drops the oldest entries. */
export function withoutFirst(entries: Entries, cut: number): Entries {
  const byId = entriesById(entries);
  for (const entry of entries.slice(0, cut)) {
    const namesakes = byId.get(entry.id)?.filter((other) => other !== entry);
    if (namesakes?.length) byId.set(entry.id, namesakes);
    else byId.delete(entry.id);
  }
  const rest = entries.slice(cut);
  moveIndex(byId, entries, rest);
  return rest;
}

type ById = Map<string, Entry[]>;

/** The index of each list by id: a search through all entries for each message would slow down with their number. */
const byIds = new WeakMap<readonly Entry[], ById>();

function entriesById(entries: readonly Entry[]): ById {
  const known = byIds.get(entries);
  if (known !== undefined) return known;
  const byId: ById = new Map();
  for (const entry of entries) remember(byId, entry);
  byIds.set(entries, byId);
  return byId;
}

/** moveIndex gives the index of a list to its successor. The old list gets a new index if it is used again. */
function moveIndex(byId: ById, from: readonly Entry[], to: readonly Entry[]): void {
  byIds.delete(from);
  byIds.set(to, byId);
}

/**
 * newEntries returns the incoming entries that are new, in order, and adds them to `byId`. Entries of the same place
 * are one message. So are entries of the same author, id, name and text within `retryMs`, which the server takes for
 * retries (MSG-10).
 */
function newEntries(known: readonly Entry[], byId: ById, incoming: readonly Entry[]): Entry[] {
  const fresh: Entry[] = [];
  for (const entry of incoming) {
    const namesakes = byId.get(entry.id);
    if (namesakes?.some((other) => isSame(other, entry)) || has(known, entry.offset)) continue;
    remember(byId, entry);
    fresh.push(entry);
  }
  return fresh.sort((a, b) => compareOffsets(a.offset, b.offset));
}

function remember(byId: ById, entry: Entry): void {
  const namesakes = byId.get(entry.id);
  if (namesakes === undefined) byId.set(entry.id, [entry]);
  else namesakes.push(entry);
}

function isSame(a: Entry, b: Entry): boolean {
  if (a.offset === b.offset) return true;
  return a.from === b.from && a.username === b.username && a.message === b.message && Math.abs(a.at - b.at) < retryMs;
}

function has(entries: readonly Entry[], offset: Offset): boolean {
  return entries[countUpTo(entries, offset) - 1]?.offset === offset;
}

function interleaved(a: readonly Entry[], b: readonly Entry[]): Entry[] {
  const all: Entry[] = [];
  let next = 0;
  for (const entry of a) {
    for (let other = b[next]; other && compareOffsets(other.offset, entry.offset) < 0; other = b[++next])
      all.push(other);
    all.push(entry);
  }
  return all.concat(b.slice(next));
}

/** The number of entries at or before a place. */
export function countUpTo(entries: readonly Entry[], offset: Offset): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = entries[middle];
    if (entry !== undefined && compareOffsets(entry.offset, offset) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
