import type { Offset } from "@/wire/contract";
import { compareOffsets } from "@/wire/offset";
import { countUpTo, type Entries, type Entry, withEntries, withoutFirst } from "./entries";
import { later, type Spans, withSpan } from "./spans";

/**
 * A place where messages may be missing after a connection that was not recovered. `after` is the last entry before it.
 * `lost`: the server does not keep these messages any more.
 */
export interface Gap {
  readonly after: Offset;
  readonly state: "open" | "loading" | "failed" | "lost";
}

export interface Timeline {
  /** At most `limit`. */
  readonly entries: Entries;
  readonly limit: number;
  /** The stretches of the stream of which we know every message. */
  readonly spans: Spans;
  /** The places between the spans, each behind an entry. */
  readonly gaps: readonly Gap[];
  /** The place that the connection has reached; null before the first connection. Its next message follows there. */
  readonly live: Offset | null;
  /** Whether the server may have messages before the first entry. */
  readonly more: boolean;
}

export type TimelineAction =
  /** Messages of the connection, in order and complete. */
  | { type: "received"; entries: readonly Entry[] }
  /** The messages of a new connection begin behind `at`. Recovered: they continue where the last connection broke. */
  | { type: "joined"; at: Offset; recovered: boolean }
  /** An answer: the messages before the first entry. */
  | { type: "older"; entries: readonly Entry[]; more: boolean }
  /** An answer: the messages before the first entry behind the gap. */
  | { type: "filled"; after: Offset; entries: readonly Entry[]; more: boolean }
  | { type: "gap"; after: Offset; state: "open" | "loading" | "failed" }
  /** A stretch of the past has come to what is known without a gap up to the end, and takes the place of all before it. */
  | { type: "continued"; entries: Entries; more: boolean }
  /** Nobody looks at the room, or somebody does again. A page holds many rooms, and one of them is shown. */
  | { type: "limited"; limit: number };

export const maxEntries = 20_000;
/** For a stretch of the past, and for the end of the room meanwhile. */
export const maxPastEntries = maxEntries / 2;
/** For a room that is not shown. */
export const maxHiddenEntries = 1000;
const maxSpans = 20;

export const emptyTimeline: Timeline = { entries: [], limit: maxEntries, spans: [], gaps: [], live: null, more: true };

export function nextTimeline(state: Timeline, action: TimelineAction): Timeline {
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
    case "continued":
      return continued(state, action.entries, action.more);
    case "limited":
      return bounded({ ...state, limit: action.limit });
  }
}

/** The oldest entry behind a place. */
export function firstAfter(state: Timeline, after: Offset): Entry | undefined {
  return state.entries[countUpTo(state.entries, after)];
}

/** Whether an older page of so many messages would push out newer entries. */
export function isFull(state: Timeline, page: number): boolean {
  return state.entries.length + page > state.limit;
}

/** How many entries are behind a place, of those that count. */
export function countAfter({ entries }: Timeline, place: Offset, counts: (entry: Entry) => boolean): number {
  let count = 0;
  for (const entry of entries.slice(countUpTo(entries, place))) if (counts(entry)) count++;
  return count;
}

/** From here up to the end every message is known; undefined before the first connection. */
export function firstKnown({ entries, spans }: Timeline): Offset | undefined {
  const from = spans.at(-1)?.from;
  return entries[countBefore(entries, from)]?.offset ?? from;
}

function continued(state: Timeline, entries: Entries, more: boolean): Timeline {
  const [first, end] = [entries[0], state.spans.at(-1)];
  if (first === undefined || end === undefined) return state;
  const rest = state.entries.slice(countBefore(state.entries, end.from));
  const spans = [{ from: first.offset, to: end.to }];
  return bounded({ ...state, entries: withEntries(entries, rest), limit: maxEntries, spans, more });
}

function joined(state: Timeline, at: Offset): Timeline {
  const begin = { from: at, to: at };
  const last = state.entries.at(-1);
  // Without entries there is no gap: everything before `at` counts as older.
  if (last === undefined) return { ...state, live: at, spans: [begin], more: true };
  // Behind a place where messages were lost, others may be missing now that can be loaded.
  const gaps = state.gaps.filter((gap) => gap.after !== last.offset);
  return bounded({ ...state, live: at, spans: withSpan(state.spans, begin), gaps });
}

function received(state: Timeline, entries: readonly Entry[]): Timeline {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return state;
  const live = state.live === null ? last.offset : later(state.live, last.offset);
  const spans = withSpan(state.spans, { from: state.live ?? first.offset, to: live });
  const merged = withEntries(state.entries, entries);
  return merged === state.entries && live === state.live ? state : bounded({ ...state, entries: merged, live, spans });
}

function filled(state: Timeline, after: Offset, entries: readonly Entry[], more: boolean): Timeline {
  const next = withPast(state, entries, firstAfter(state, after));
  return more ? withGap(next, after, "open") : withGap(next, after, "lost");
}

/** An answer is complete from its first message to the entry `before` it, or else to its last message. */
function withPast(state: Timeline, entries: readonly Entry[], before: Entry | undefined): Timeline {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return state;
  const span = { from: first.offset, to: before?.offset ?? last.offset };
  return bounded({ ...state, entries: withEntries(state.entries, entries), spans: withSpan(state.spans, span) });
}

function withGap(state: Timeline, after: Offset, to: Gap["state"]): Timeline {
  return { ...state, gaps: state.gaps.map((gap) => (gap.after === after ? { after, state: to } : gap)) };
}

/** bounded drops the oldest spans and entries above the limits and finds the gaps between the rest. */
function bounded(state: Timeline): Timeline {
  const spans = state.spans.slice(-maxSpans);
  const forgotten = spans.length < state.spans.length ? countBefore(state.entries, spans[0]?.from) : 0;
  const cut = Math.max(forgotten, state.entries.length - state.limit, 0);
  const entries = cut > 0 ? withoutFirst(state.entries, cut) : state.entries;
  const gaps: Gap[] = [];
  for (const span of spans.slice(0, -1)) {
    // A gap without an entry before it counts as older messages.
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
