import type { Delivery, Outbox } from "@/outbox/outbox";
import { isMine, type Me, nobody } from "@/people/identity";
import { countUpTo, type Entry } from "@/timeline/entries";
import type { Gap, Timeline } from "@/timeline/timeline";
import type { Offset } from "@/wire/contract";
import { compareOffsets } from "@/wire/offset";

/** A message as it is shown. `first` and `last` mark its place in a run of messages of one author. */
export interface MessageRow {
  readonly kind: "message";
  readonly key: string;
  readonly id: string;
  /** The place in the room; undefined for messages that are not stored yet. */
  readonly offset: Offset | undefined;
  /** The author's id; undefined if the server does not say, and for messages that are not stored yet. */
  readonly from: string | undefined;
  readonly username: string;
  /** The name is the author's own, and nobody else can use it. */
  readonly verified: boolean;
  readonly text: string;
  readonly at: number;
  readonly mine: boolean;
  readonly delivery: Delivery | { kind: "placed" };
  readonly first: boolean;
  readonly last: boolean;
}

export type Row =
  | MessageRow
  | { readonly kind: "top"; readonly key: "top"; readonly more: boolean }
  /** Newer messages are not loaded yet. */
  | { readonly kind: "bottom"; readonly key: "bottom" }
  | { readonly kind: "day"; readonly key: string; readonly at: number }
  | { readonly kind: "gap"; readonly key: string; readonly gap: Gap }
  /** Stands between what the reader knew when they came and what was new to them. */
  | { readonly kind: "news"; readonly key: string };

/** A pause of this length begins a new run. */
const runMs = 5 * 60_000;

const placed = { kind: "placed" } as const;

/** Consecutive rows, at most `blockRows`. Immutable: an unchanged block stays the same object. */
export type Block = readonly Row[];

export const blockRows = 128;

/** The last block of a stretch of the past. */
export const bottomBlock: Block = [{ kind: "bottom", key: "bottom" }];

/** The key of the message at a place; undefined if it is not in the list. */
export function keyAt(blocks: readonly Block[], offset: Offset): string | undefined {
  for (const block of blocks)
    for (const row of block) if (row.kind === "message" && row.offset === offset) return row.key;
  return undefined;
}

/** The message of a key; undefined if no row of the list has it, or one that is no message. */
export function messageRow(blocks: readonly Block[], key: string): MessageRow | undefined {
  for (const block of blocks) {
    const row = block.find((other) => other.key === key);
    if (row) return row.kind === "message" ? row : undefined;
  }
  return undefined;
}

/** buildRows lays out the whole list from top to bottom. Keys are unique and stable. */
export function buildRows(timeline: Timeline, outbox: Outbox, me: Me, known: Offset | null = null): Row[] {
  return new RowBuilder().update(timeline, outbox, me, known).flat();
}

/** What is laid out: a timeline, or a stretch of the past. */
export type Shown = Pick<Timeline, "entries" | "gaps" | "more">;

/** RowBuilder lays out a list repeatedly. Its work depends only on the changes at either end. */
export class RowBuilder {
  #layout = new Layout(null);
  /** The entries that `#blocks` shows, which are all without the outbox. */
  #entries: readonly Entry[] = [];
  #gaps: readonly Gap[] = [];
  #me: Me = nobody;
  #known: Offset | null = null;
  #blocks: readonly Block[] = [];
  #top: Block = [];

  /** Known: the last place that the reader knew when they came. */
  update({ entries, gaps, more }: Shown, outbox: Outbox, me: Me, known: Offset | null = null): readonly Block[] {
    const same = me === this.#me && known === this.#known && sameGaps(gaps, this.#gaps);
    const dropped = same ? droppedFrom(this.#entries, entries) : undefined;
    if (dropped === undefined) {
      [this.#layout, this.#entries, this.#blocks] = [new Layout(known), [], []];
    } else if (dropped > 0) {
      this.#blocks = withoutFirst(this.#blocks, dropped);
    }
    const rest = entries.slice(this.#entries.length - (dropped ?? 0));
    this.#blocks = extended(this.#blocks, laidOut(this.#layout, rest, gaps, me));
    [this.#entries, this.#gaps, this.#me, this.#known] = [entries, gaps, me, known];
    const top = this.#top[0];
    if (top?.kind !== "top" || top.more !== more) this.#top = [{ kind: "top", key: "top", more }];
    return [this.#top, ...extended(this.#blocks, waiting(this.#layout.fork(), outbox))];
  }
}

function sameGaps(a: readonly Gap[], b: readonly Gap[]): boolean {
  return a.length === b.length && a.every((gap, i) => gap.after === b[i]?.after && gap.state === b[i].state);
}

/** The number of entries dropped at the beginning; undefined if there are changes other than at the ends. */
function droppedFrom(known: readonly Entry[], entries: readonly Entry[]): number | undefined {
  const [first, last] = [entries[0], known.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const dropped = countUpTo(known, first.offset) - 1;
  return known[dropped] === first && entries[known.length - 1 - dropped] === last ? dropped : undefined;
}

/** Drops the first n messages and everything above them. */
function withoutFirst(blocks: readonly Block[], n: number): readonly Block[] {
  let left = n;
  let i = 0;
  for (; i < blocks.length; i++) {
    const messages = (blocks[i] ?? []).filter((row) => row.kind === "message").length;
    if (messages > left) break;
    left -= messages;
  }
  const block = blocks[i] ?? [];
  const rest = block.slice(block.findIndex((row) => row.kind === "message" && left-- === 0));
  const begun = rest[0];
  if (begun?.kind !== "message") return blocks.slice(i);
  const day: Row = { kind: "day", key: `day:${begun.key}`, at: begun.at };
  return [[day, { ...begun, first: true }, ...rest.slice(1)], ...blocks.slice(i + 1)];
}

function laidOut(layout: Layout, entries: readonly Entry[], gaps: readonly Gap[], me: Me): Addition {
  const gapsByPlace = new Map<Offset, Gap>(gaps.map((gap) => [gap.after, gap]));
  for (const entry of entries) {
    layout.reach(entry.offset);
    layout.message(layout.keyOf(entry, me), entry, entry.message, isMine(me, entry), placed);
    const gap = gapsByPlace.get(entry.offset);
    if (gap) layout.gap(gap);
  }
  return layout.take();
}

function waiting(layout: Layout, outbox: Outbox): Addition {
  for (const item of outbox) layout.message(`id:${item.id}`, item, item.text, true, item.delivery);
  return layout.take();
}

/** Rows that follow the existing ones. */
interface Addition {
  /** The new form of the row before them, if they change it. */
  readonly before: Row | undefined;
  readonly rows: readonly Row[];
}

function extended(blocks: readonly Block[], { before, rows }: Addition): readonly Block[] {
  if (rows.length === 0) return blocks;
  const next = [...blocks];
  let open = [...(next.pop() ?? [])];
  if (before) open[open.length - 1] = before;
  for (const row of rows) {
    if (open.length >= blockRows) {
      next.push(open);
      open = [];
    }
    open.push(row);
  }
  return [...next, open];
}

/** The part of a message, stored or not, that tells who said it and when. */
type Said = Pick<Entry, "id" | "username" | "at"> & Partial<Pick<Entry, "from" | "verified" | "offset">>;

type Author = Pick<MessageRow, "mine" | "from" | "username" | "verified">;

/** Namesakes are different authors, so that nobody seems to continue what somebody else said. */
function isSameAuthor(a: Author, b: Author): boolean {
  if (a.mine !== b.mine || a.username !== b.username) return false;
  return a.mine || (a.from === b.from && a.verified === b.verified);
}

class Layout {
  #rows: Row[] = [];
  #before: Row | undefined;
  #previous: MessageRow | undefined;
  #dayBegin = 0;
  #dayEnd = 0;
  #ownIds = new Set<string>();
  readonly #known: Offset | null;
  /** Whether the reader knew the last entry; undefined before the first entry. */
  #isKnown: boolean | undefined;

  constructor(known: Offset | null) {
    this.#known = known;
  }

  /**
   * A layout that continues from here and leaves this one unchanged. It is for the outbox: it does not know the own
   * ids.
   */
  fork(): Layout {
    const fork = new Layout(null);
    [fork.#previous, fork.#dayBegin, fork.#dayEnd] = [this.#previous, this.#dayBegin, this.#dayEnd];
    return fork;
  }

  /** Returns the rows since the last call. */
  take(): Addition {
    const addition = { before: this.#before, rows: this.#rows };
    [this.#before, this.#rows] = [undefined, []];
    return addition;
  }

  /** Own messages keep their key when they enter the timeline. The ids of strangers are not unique. */
  keyOf(entry: Entry, me: Me): string {
    if (!isMine(me, entry) || this.#ownIds.has(entry.id)) return entry.offset;
    this.#ownIds.add(entry.id);
    return `id:${entry.id}`;
  }

  message(key: string, said: Said, text: string, mine: boolean, delivery: MessageRow["delivery"]): void {
    const { id, offset, from, username, at } = said;
    if (at < this.#dayBegin || at >= this.#dayEnd) this.#newDay(key, at);
    const verified = said.verified === true;
    const author = { mine, from, username, verified };
    const previous = this.#previous;
    const joins = previous !== undefined && isSameAuthor(previous, author) && at - previous.at < runMs;
    if (joins) this.#goesOn(previous);
    this.#previous = { kind: "message", key, id, offset, ...author, text, at, delivery, first: !joins, last: true };
    this.#rows.push(this.#previous);
  }

  /** Comes to the next entry: the first that is new to the reader has a line above it. */
  reach(offset: Offset): void {
    const isKnown = this.#known === null || (this.#isKnown !== false && compareOffsets(offset, this.#known) <= 0);
    if (this.#isKnown === true && !isKnown) {
      this.#rows.push({ kind: "news", key: `news:${this.#known}` });
      this.#previous = undefined;
    }
    this.#isKnown = isKnown;
  }

  gap(gap: Gap): void {
    this.#rows.push({ kind: "gap", key: `gap:${gap.after}`, gap });
    this.#previous = undefined;
  }

  /** The previous row is not the last of its run any more. A row that was taken is replaced, not changed. */
  #goesOn(previous: MessageRow): void {
    const changed = { ...previous, last: false };
    if (this.#rows.length > 0) this.#rows[this.#rows.length - 1] = changed;
    else this.#before = changed;
  }

  /** Days are local to the reader, have 23 to 25 hours, and may begin later than at midnight. */
  #newDay(key: string, at: number): void {
    const date = new Date(at);
    this.#dayBegin = date.setHours(0, 0, 0, 0);
    this.#dayEnd = date.setHours(24, 0, 0, 0);
    this.#previous = undefined;
    this.#rows.push({ kind: "day", key: `day:${key}`, at });
  }
}
