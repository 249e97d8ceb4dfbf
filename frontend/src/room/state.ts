import type { Outbox } from "@/outbox/outbox";
import type { Typists } from "@/people/typists";
import type { Past } from "@/timeline/past";
import { emptyTimeline, type Timeline } from "@/timeline/timeline";
import type { Offset, RoomRefusal } from "@/wire/contract";

/** Everything the server has told us about the room, and what we still want from it. Immutable. */
export interface RoomState {
  readonly admission: Admission;
  readonly timeline: Timeline;
  readonly outbox: Outbox;
  /** What is shown in place of the end of the room; null: the end. */
  readonly past: Past | null;
  /** The requests for messages before the first entry that is shown, and after the last one of the past. */
  readonly older: Request;
  readonly newer: Request;
  /** The message that a link leads to; null: none, or the reader has gone on. */
  readonly sought: Sought | null;
  /** The newest of the messages that the room had when this page came; null: none yet. */
  readonly begun: Offset | null;
  readonly online: number | null;
  readonly typists: Typists;
  /** The id of the last message that was written in this page. */
  readonly written: string | null;
  /** The last-read place; null before anything was read. */
  readonly read: Offset | null;
  /** How many messages of others are behind it, at most `mostUnread`. */
  readonly unread: number;
}

export type Request = "idle" | "loading" | "failed";

/**
 * A message that somebody has a link to. `missing`: the room has no message there, or no longer. `invalid`: the link
 * names no place at all.
 */
export interface Sought {
  readonly offset: Offset;
  readonly state: "loading" | "failed" | "shown" | "missing" | "invalid";
}

/** Whether the server has let us into the room. */
export type Admission = "outside" | "inside" | { readonly refused: RoomRefusal };

export const firstState: RoomState = {
  admission: "outside",
  timeline: emptyTimeline,
  outbox: [],
  past: null,
  older: "idle",
  newer: "idle",
  sought: null,
  begun: null,
  online: null,
  typists: [],
  written: null,
  read: null,
  unread: 0,
};
