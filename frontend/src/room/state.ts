import type { Outbox } from "@/outbox/outbox";
import { noPresent, type Present } from "@/people/attendance";
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
  /** What the reader wants to be shown; null: nothing, or they have gone on. */
  readonly sought: Sought | null;
  /** The newest of the messages that the room had when this page came; null: none yet. */
  readonly begun: Offset | null;
  /** More of these messages may come, and the person has read others on an earlier page. */
  readonly recalls: boolean;
  readonly online: number | null;
  /** Who is here; kept up to date while somebody looks. */
  readonly present: Present;
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
 * A message that somebody looks for. `missing`: the room has no message there. `invalid`: the link names no place at all.
 */
export interface Sought {
  /** The place of the message; for the first one behind a place, that place until it is shown. */
  readonly offset: Offset;
  /** Absent: the message of a link. */
  readonly aim?: Aim;
  readonly state: "loading" | "failed" | "shown" | "missing" | "invalid";
  /**
   * What is shown is later than the day that was asked for; `begins`: because the room has nothing before it. `kept`: what
   * is missing is older than all that the room keeps.
   */
  readonly off?: "later" | "begins" | "kept";
}

/** The first message of a day, which ends at a time in ms, or the first that was new to the reader. */
export type Aim = { readonly dayEnd: number } | "news";

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
  recalls: false,
  online: null,
  present: noPresent,
  typists: [],
  written: null,
  read: null,
  unread: 0,
};
