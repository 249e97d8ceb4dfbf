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
  const layout = new Layout();
  layout.rows.push({ kind: "top", key: "top", more: timeline.more });
  const gaps = new Map<Offset, Gap>(timeline.gaps.map((gap) => [gap.after, gap]));
  const ownIds = new Set<string>();
  for (const entry of timeline.entries) {
    const mine = isMine(me, entry);
    // Own messages keep their key when they get their place. An id says nothing about strangers'.
    const key = mine && !ownIds.has(entry.id) ? `id:${entry.id}` : entry.offset;
    if (mine) ownIds.add(entry.id);
    layout.message({ ...shown(entry), text: entry.message, key, mine, delivery: placed });
    const gap = gaps.get(entry.offset);
    if (gap) layout.gap(gap);
  }
  for (const item of outbox) {
    layout.message({ ...shown(item), text: item.text, key: `id:${item.id}`, mine: true, delivery: item.delivery });
  }
  return layout.rows;
}

function shown({ id, username, at }: { id: string; username: string; at: number }) {
  return { id, username, at };
}

class Layout {
  readonly rows: Row[] = [];
  #previous: MessageRow | undefined;
  #day = "";

  message(message: Omit<MessageRow, "kind" | "first" | "last">): void {
    const day = dayOf(message.at);
    if (day !== this.#day) {
      this.#day = day;
      this.#previous = undefined;
      this.rows.push({ kind: "day", key: `day:${message.key}`, at: message.at });
    }
    const previous = this.#previous;
    const joins = previous !== undefined && continues(previous, message);
    if (joins) previous.last = false;
    const row: MessageRow = { kind: "message", ...message, first: !joins, last: true };
    this.rows.push(row);
    this.#previous = row;
  }

  gap(gap: Gap): void {
    this.rows.push({ kind: "gap", key: `gap:${gap.after}`, gap });
    this.#previous = undefined;
  }
}

function continues(previous: MessageRow, next: { mine: boolean; username: string; at: number }): boolean {
  return previous.mine === next.mine && previous.username === next.username && next.at - previous.at < runMs;
}

/** The day where the reader is. */
function dayOf(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}
