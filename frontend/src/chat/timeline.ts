import type { Offset, PlacedMessage } from "@/wire/contract";
import { maxHistoryMessages } from "@/wire/limits";
import { compareOffsets } from "@/wire/offset";
import { later, type Spans, withSpan } from "./spans";

/** A message that has its place in the one order. */
export type Entry = Readonly<PlacedMessage>;

/**
 * A place where messages may be missing: we came back, and the server could not give exactly what we missed. `after` is
 * the last entry before it. `lost`: the server does not have them any more.
 */
export interface Gap {
  readonly after: Offset;
  readonly state: "open" | "loading" | "failed" | "lost";
}

export interface Timeline {
  /** Ascending by offset; no offset and no message twice; at most `maxEntries`. */
  readonly entries: readonly Entry[];
  /** What we know all of. */
  readonly spans: Spans;
  /** What lies between the spans, seen from the entries. */
  readonly gaps: readonly Gap[];
  /** How far the connection has come; null before the first. What it sends next follows here. */
  readonly live: Offset | null;
  /** Whether the server may have messages before the first entry. */
  readonly more: boolean;
}

export type TimelineAction =
  /** What the connection sent, in order, without leaving anything out. */
  | { type: "received"; entries: readonly Entry[] }
  /** A connection began; what it sends comes after `at`. Recovered: it goes on where the last one broke. */
  | { type: "joined"; at: Offset; recovered: boolean }
  /** An answer to a question for what comes before the first entry. */
  | { type: "older"; entries: readonly Entry[]; more: boolean }
  /** An answer to a question for what comes before the first entry behind the gap. */
  | { type: "filled"; after: Offset; entries: readonly Entry[]; more: boolean }
  | { type: "gap"; after: Offset; state: "open" | "loading" | "failed" };

export const maxEntries = 20_000;
const maxSpans = 20;
/** Longer than the server recognises a retry by itself, and than we send one. */
const retryMs = 60 * 60_000;

export const emptyTimeline: Timeline = { entries: [], spans: [], gaps: [], live: null, more: true };

export function timeline(state: Timeline, action: TimelineAction): Timeline {
  switch (action.type) {
    case "received":
      return received(state, action.entries);
    case "joined":
      if (action.recovered && state.live !== null) return state;
      return joined(state, action.at);
    case "older":
      return { ...withPast(state, action.entries, state.entries[0]), more: action.more };
    case "filled":
      return filled(state, action.after, action.entries, action.more);
    case "gap":
      return withGap(state, action.after, action.state);
  }
}

/** The oldest entry behind a place; what is missing in a gap comes before it. */
export function firstAfter(state: Timeline, after: Offset): Entry | undefined {
  return state.entries[countUpTo(state.entries, after)];
}

/** Whether an older page would push out newer entries. */
export function isFull(state: Timeline): boolean {
  return state.entries.length + maxHistoryMessages > maxEntries;
}

/** How many entries are behind a place. */
export function countAfter(state: Timeline, place: Offset): number {
  return state.entries.length - countUpTo(state.entries, place);
}

function joined(state: Timeline, at: Offset): Timeline {
  const begin = { from: at, to: at };
  const last = state.entries.at(-1);
  // Nothing is known yet: whatever came meanwhile is what "older" means.
  if (last === undefined) return { ...state, live: at, spans: [begin], more: true };
  // Behind a place where messages were lost others may be missing now that can be loaded.
  const gaps = state.gaps.filter((gap) => gap.after !== last.offset);
  return settled({ ...state, live: at, spans: withSpan(state.spans, begin), gaps });
}

function received(state: Timeline, entries: readonly Entry[]): Timeline {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return state;
  const live = state.live === null ? last.offset : later(state.live, last.offset);
  const spans = withSpan(state.spans, { from: state.live ?? first.offset, to: live });
  const merged = withEntries(state, entries);
  return merged === state && live === state.live ? state : settled({ ...merged, live, spans });
}

function filled(state: Timeline, after: Offset, entries: readonly Entry[], more: boolean): Timeline {
  const next = withPast(state, entries, firstAfter(state, after));
  return more ? withGap(next, after, "open") : withGap(next, after, "lost");
}

/** An answer is whole from its first message to the one it was to come before, or else to its last. */
function withPast(state: Timeline, entries: readonly Entry[], before: Entry | undefined): Timeline {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return state;
  const span = { from: first.offset, to: before?.offset ?? last.offset };
  return settled({ ...withEntries(state, entries), spans: withSpan(state.spans, span) });
}

function withGap(state: Timeline, after: Offset, to: Gap["state"]): Timeline {
  return { ...state, gaps: state.gaps.map((gap) => (gap.after === after ? { after, state: to } : gap)) };
}

/** settled finds the gaps anew, and forgets the oldest when there is too much. */
function settled(state: Timeline): Timeline {
  const spans = state.spans.slice(-maxSpans);
  const tooOld = spans.length < state.spans.length ? countBefore(state.entries, spans[0]?.from) : 0;
  const cut = Math.max(tooOld, state.entries.length - maxEntries, 0);
  const entries = cut > 0 ? withoutFirst(state.entries, cut) : state.entries;
  const gaps: Gap[] = [];
  for (const span of spans.slice(0, -1)) {
    // Without entries before it a gap is just what "older" means.
    const after = entries[countUpTo(entries, span.to) - 1]?.offset;
    if (after === undefined || gaps.at(-1)?.after === after) continue;
    gaps.push(state.gaps.find((gap) => gap.after === after) ?? { after, state: "open" });
  }
  return { ...state, entries, spans, gaps, more: state.more || cut > 0 };
}

function countBefore(entries: readonly Entry[], offset: Offset | undefined): number {
  const first = offset === undefined ? 0 : entries.findIndex((entry) => compareOffsets(entry.offset, offset) >= 0);
  return first < 0 ? entries.length : first;
}

function withEntries(state: Timeline, incoming: readonly Entry[]): Timeline {
  const byId = entriesById(state.entries);
  const fresh = unknownOf(state.entries, byId, incoming);
  const newest = fresh.at(-1);
  const oldest = fresh[0];
  if (newest === undefined || oldest === undefined) return state;
  const last = state.entries.at(-1);
  const entries =
    last === undefined || compareOffsets(last.offset, oldest.offset) < 0
      ? state.entries.concat(fresh)
      : interleaved(state.entries, fresh);
  handOn(byId, state.entries, entries);
  return { ...state, entries };
}

function withoutFirst(entries: readonly Entry[], cut: number): readonly Entry[] {
  const byId = entriesById(entries);
  for (const entry of entries.slice(0, cut)) {
    const namesakes = byId.get(entry.id)?.filter((other) => other !== entry);
    if (namesakes?.length) byId.set(entry.id, namesakes);
    else byId.delete(entry.id);
  }
  const rest = entries.slice(cut);
  handOn(byId, entries, rest);
  return rest;
}

type ById = Map<string, Entry[]>;

/** To look through ten thousand entries for each one that comes would take longer the more there are. */
const byIds = new WeakMap<readonly Entry[], ById>();

function entriesById(entries: readonly Entry[]): ById {
  const known = byIds.get(entries);
  if (known !== undefined) return known;
  const byId: ById = new Map();
  for (const entry of entries) remember(byId, entry);
  byIds.set(entries, byId);
  return byId;
}

/** A list that was made from another takes its index over; if the old one is looked at again, it gets one anew. */
function handOn(byId: ById, from: readonly Entry[], to: readonly Entry[]): void {
  byIds.delete(from);
  byIds.set(to, byId);
}

/**
 * unknownOf returns what is new of the incoming entries, in order. The same place is the same message, and so is the
 * same id with the same name and text: that is what the server takes for a retry (MSG-10). Not for ever: a program may
 * say the same under the same id day by day. What is new is in `byId` afterwards.
 */
function unknownOf(known: readonly Entry[], byId: ById, incoming: readonly Entry[]): Entry[] {
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
  return a.username === b.username && a.message === b.message && Math.abs(a.at - b.at) < retryMs;
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
