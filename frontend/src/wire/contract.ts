/**
 * The events between client and server by the numbers of protocol/SPEC.md: one typed map per direction. These types
 * state what is promised; `read.ts` checks what arrives.
 */

import type { Limits } from "./limits";
import type { Rights } from "./rights";
import type { RoomName } from "./rooms";

/** A place in the one order of all messages, `<ms>-<seq>` (OUT-3). */
export type Offset = string;

export interface WireMessage {
  message: string;
  username: string;
  /** Chosen by the sender's client and not unique: strangers may use the same id (MSG-10). */
  id: string;
  /** The id of the author, which only the server gives (MSG-13); messages of version 0.1 have none (OUT-4). */
  from?: string;
  /** The username comes from a token (MSG-14). */
  verified?: true;
  /** Milliseconds since the epoch, by the clock of the stream. */
  at: number;
}

export interface PlacedMessage extends WireMessage {
  offset: Offset;
}

export type ErrorCode = "invalid" | "empty" | "too_long" | "forbidden" | "rate_limited" | "unavailable";

/** A refusal in an ack (ACK-3). `unknown` stands for a code of a newer server. */
export interface Refusal {
  status: "error";
  code: ErrorCode | "unknown";
  message: string;
}

export type MessageAnswer = { status: "ok"; id: string; at: number } | Refusal;

/** A place in the past: before a message, after it, or with as many messages on either side of it (HIS-1, HIS-9, HIS-10). */
export interface HistoryPlace {
  before?: Offset;
  after?: Offset;
  around?: Offset;
}

export type HistoryRequest = HistoryPlace & { limit: number };

/** `newer` comes only with an answer to `after` or `around`; older servers know neither. */
export type HistoryAnswer = { status: "ok"; messages: PlacedMessage[]; more: boolean; newer?: boolean } | Refusal;

/** Somebody who is in a room (PRE-4). */
export interface Person {
  /** The author's id of what they say (MSG-13). */
  id: string;
  name: string;
  /** The name comes from a token. */
  verified?: true;
}

/** How many people are in a room, and at most 100 of them (PRE-4). */
export type PeopleAnswer = { status: "ok"; total: number; people: Person[] } | Refusal;

export interface TypingNotice {
  username: string;
  /** Distinguishes namesakes; changes with each connection that is not recovered (TYP-2). */
  id: string;
  typing: boolean;
}

/** For whom we speak. */
export interface User {
  /** Only the server gives it, and nobody else can use it. */
  id: string;
  /** The server made the id up. */
  guest: boolean;
  /** The name of all our messages, whatever we say; absent if we choose it. */
  name?: string;
}

/** What the server tells us first in each room, and again when we come back (WHO-12). */
export interface Welcome {
  user: User;
  /** Lets a guest come back as the same guest (WHO-7). Whoever has it can speak as this guest. */
  token?: string;
  limits: Limits;
  /** What we may do in which rooms; absent if we may write in all. */
  rooms?: Rights;
}

/**
 * Why the server does not let us into a room (ROOM-7). `unauthorized` and `expired` concern whom we speak for (WHO-9).
 * `forbidden` stands for a code of an authenticator or of a newer server, and for a server without rooms.
 */
export type RoomRefusal = "room_invalid" | "room_forbidden" | "too_many_rooms" | SignInRefusal | "forbidden";

export type SignInRefusal = "unauthorized" | "expired";

/** A room of the public list, and how many are in it (ROOM-14). */
export interface ListedRoom {
  name: RoomName;
  online: number;
}

export interface ServerEvents {
  message: (message: WireMessage, offset: Offset) => void;
  presence: (presence: { online: number }, joined?: Offset) => void;
  typing: (notice: TypingNotice) => void;
  welcome: (welcome: Welcome) => void;
}

export interface ClientEvents {
  "event:message": (
    message: { message: string; username: string; id: string },
    ack: (answer: MessageAnswer) => void,
  ) => void;
  history: (request: HistoryRequest, ack: (answer: HistoryAnswer) => void) => void;
  people: (ack: (answer: unknown) => void) => void;
  typing: (notice: { username: string; typing: boolean }, ack?: (answer: unknown) => void) => void;
}
