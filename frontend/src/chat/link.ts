import type {
  HistoryAnswer,
  HistoryRequest,
  MessageAnswer,
  Offset,
  PlacedMessage,
  TypingNotice,
} from "@/wire/contract";
import type { ConnectFailure } from "./connection";

/** What a link tells. Nothing is told before `connect` or after `close`. */
export interface LinkListener {
  /** The server took us in. Recovered: what we missed follows, exactly. */
  connected(recovered: boolean): void;
  /** The place behind which the messages of this connection begin. */
  joined(at: Offset): void;
  message(message: PlacedMessage): void;
  presence(online: number): void;
  typing(notice: TypingNotice): void;
  /** A connection that was there is gone. */
  lost(): void;
  /** An attempt to connect failed. */
  failed(failure: ConnectFailure): void;
}

/** One line to the server. It does not come back by itself: when to try again is decided by its owner. */
export interface Link {
  /** Begins an attempt; its end is `connected` or `failed`. An attempt under way is left alone. */
  connect(): void;
  /** Ends connection or attempt. A connection that was there is told as `lost`. */
  close(): void;
  /** Sends at once or not at all. The answer is undefined if the connection broke or the server kept silent. */
  send(message: { message: string; username: string; id: string }): Promise<MessageAnswer | undefined>;
  history(request: HistoryRequest): Promise<HistoryAnswer | undefined>;
  typing(notice: { username: string; typing: boolean }): void;
  /** Asks for a sign of life. False if none came within a few seconds, or if there is no connection. */
  alive(): Promise<boolean>;
}

export type OpenLink = (listener: LinkListener) => Link;
