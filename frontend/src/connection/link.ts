import type {
  HistoryAnswer,
  HistoryRequest,
  MessageAnswer,
  Offset,
  PeopleAnswer,
  PlacedMessage,
  RoomRefusal,
  TypingNotice,
} from "@/wire/contract";
import type { RoomName } from "@/wire/rooms";
import type { ConnectFailure } from "./connection";

/** What a room hears from the server. */
export interface RoomListener {
  /** The server let us in. Recovered: exactly the missed messages follow. */
  entered(recovered: boolean): void;
  /** We are out: the connection is gone, or the server ended our stay. */
  lost(): void;
  /** The server does not let us in. */
  refused(why: RoomRefusal): void;
  /** The messages of this stay begin behind this place. */
  joined(at: Offset): void;
  message(message: PlacedMessage): void;
  presence(online: number): void;
  typing(notice: TypingNotice): void;
}

/** What a room of a link hears. */
export interface LinkedRoom extends RoomListener {
  /**
   * The server does not know the guest that we were any more. The link has forgotten it: who asks again to be let in, comes
   * as a new guest. Not reported twice in a row.
   */
  outdated(): void;
}

/** What a link reports of its connection. It reports nothing before `connect` or after `close`. */
export interface LinkListener {
  /** A connection that had let us into a room is gone, and all rooms with it. */
  lost(): void;
  /** An attempt to connect failed. */
  failed(failure: ConnectFailure): void;
}

/** The requests of a room. An answer is undefined if the connection broke or the server kept silent. */
export interface Requests {
  /** Sends at once or not at all. */
  send(message: { message: string; username: string; id: string }): Promise<MessageAnswer | undefined>;
  history(request: HistoryRequest): Promise<HistoryAnswer | undefined>;
  people(): Promise<PeopleAnswer | undefined>;
  typing(notice: { username: string; typing: boolean }): void;
}

/** One room over a link. */
export interface RoomLink extends Requests {
  /**
   * Asks to be let in, now or as soon as the attempt under way has succeeded. The answer is `entered` or `refused`, or
   * none: the end of the connection ends the request. `lost` is reported only for an end by the server of this room.
   */
  enter(): void;
  /** Leaves for good. Nothing is reported any more. */
  leave(): void;
}

/** The line to the server that all rooms share. It does not reconnect by itself: its owner decides when to try again. */
export interface Link {
  /** Begins an attempt, which ends with `failed`, or with the first `entered` of a room. An attempt under way goes on. */
  connect(): void;
  /** Ends the connection or the attempt. The end of a connection that had let us into a room is reported as `lost`. */
  close(): void;
  /** Asks for a sign of life. False if none came within a few seconds, or if we are in no room. */
  alive(): Promise<boolean>;
  /** Adds a room that is not on the link. */
  room(name: RoomName, listener: LinkedRoom): RoomLink;
}

export type OpenLink = (listener: LinkListener) => Link;
