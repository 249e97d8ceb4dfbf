import type { Offset } from "@/wire/contract";
import { isMine, type Me } from "./identity";
import type { Delivery, Outbox } from "./outbox";
import type { Gap, Timeline } from "./timeline";

/** A message as it is shown. `first` and `last` say where it stands in a run of messages of one author. */
export interface MessageRow {
  readonly kind: "message";
  readonly key: string;
  readonly id: string;
  readonly username: string;
  readonly text: string;
  readonly at: number;
  readonly mine: boolean;
  readonly delivery: Delivery | { kind: "placed" };
  first: boolean;
  last: boolean;
}

export type Row =
  | MessageRow
  | { readonly kind: "top"; readonly key: "top"; readonly more: boolean }
  | { readonly kind: "day"; readonly key: string; readonly at: number }
  | { readonly kind: "gap"; readonly key: string; readonly gap: Gap };

/** A pause this long begins a new run. */
const runMs = 5 * 60_000;

const placed = { kind: "placed" } as const;

/** buildRows lays out what is known from top to bottom. Keys are unique and stay with what they name. */
export function buildRows(timeline: Timeline, outbox: Outbox, me: Me): Row[] {
  const layout = new Layout(timeline.more);
  const gaps = new Map<Offset, Gap>(timeline.gaps.map((gap) => [gap.after, gap]));
  const ownIds = new Set<string>();
  for (const entry of timeline.entries) {
    const mine = isMine(me, entry);
    // Own messages keep their key when they get their place. An id says nothing about strangers'.
    const own = mine && !ownIds.has(entry.id);
    if (own) ownIds.add(entry.id);
    layout.message(own ? `id:${entry.id}` : entry.offset, entry, entry.message, mine, placed);
    const gap = gaps.get(entry.offset);
    if (gap) layout.gap(gap);
  }
  for (const item of outbox) layout.message(`id:${item.id}`, item, item.text, true, item.delivery);
  return layout.rows;
}

/** Works through ten thousand messages at each change, so it makes one object for each and no more. */
class Layout {
  readonly rows: Row[];
  #previous: MessageRow | undefined;
  #dayBegin = 0;
  #dayEnd = 0;

  constructor(more: boolean) {
    this.rows = [{ kind: "top", key: "top", more }];
  }

  message(
    key: string,
    { id, username, at }: { id: string; username: string; at: number },
    text: string,
    mine: boolean,
    delivery: MessageRow["delivery"],
  ): void {
    if (at < this.#dayBegin || at >= this.#dayEnd) this.#newDay(key, at);
    const previous = this.#previous;
    const joins =
      previous !== undefined && previous.mine === mine && previous.username === username && at - previous.at < runMs;
    if (joins) previous.last = false;
    this.#previous = { kind: "message", key, id, username, text, at, mine, delivery, first: !joins, last: true };
    this.rows.push(this.#previous);
  }

  gap(gap: Gap): void {
    this.rows.push({ kind: "gap", key: `gap:${gap.after}`, gap });
    this.#previous = undefined;
  }

  /** A day is one where the reader is, and has 23 to 25 hours. */
  #newDay(key: string, at: number): void {
    const date = new Date(at);
    this.#dayBegin = date.setHours(0, 0, 0, 0);
    this.#dayEnd = date.setDate(date.getDate() + 1);
    this.#previous = undefined;
    this.rows.push({ kind: "day", key: `day:${key}`, at });
  }
}
