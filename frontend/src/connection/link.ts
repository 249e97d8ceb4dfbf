import type {
  HistoryAnswer,
  HistoryRequest,
  MessageAnswer,
  Offset,
  PlacedMessage,
  TypingNotice,
} from "@/wire/contract";
import type { ConnectFailure } from "./connection";

/** What a room hears from the server. */
export interface RoomEvents {
  /** The messages of this connection begin behind this place. */
  joined(at: Offset): void;
  message(message: PlacedMessage): void;
  presence(online: number): void;
  typing(notice: TypingNotice): void;
}

/** What a link reports. It reports nothing before `connect` or after `close`. */
export interface LinkListener extends RoomEvents {
  /** The server accepted the connection. Recovered: exactly the missed messages follow. */
  connected(recovered: boolean): void;
  /** An established connection is gone. */
  lost(): void;
  /** An attempt to connect failed. */
  failed(failure: ConnectFailure): void;
}

/** The requests that a connection carries. An answer is undefined if the connection broke or the server kept silent. */
export interface Requests {
  /** Sends at once or not at all. */
  send(message: { message: string; username: string; id: string }): Promise<MessageAnswer | undefined>;
  history(request: HistoryRequest): Promise<HistoryAnswer | undefined>;
  typing(notice: { username: string; typing: boolean }): void;
}

/** One line to the server. It does not reconnect by itself: its owner decides when to try again. */
export interface Link extends Requests {
  /** Begins an attempt, which ends with `connected` or `failed`. An attempt under way goes on. */
  connect(): void;
  /** Ends the connection or the attempt. The end of an established connection is reported as `lost`. */
  close(): void;
  /** Asks for a sign of life. False if none came within a few seconds, or if there is no connection. */
  alive(): Promise<boolean>;
}

export type OpenLink = (listener: LinkListener) => Link;
