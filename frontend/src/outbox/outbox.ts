import { type Moment, msBetween } from "@/browser/clock";
import type { ErrorCode, MessageAnswer, Offset, PlacedMessage } from "@/wire/contract";
import { offsetMs } from "@/wire/offset";

/**
 * Why a message was not delivered. `no_answer`: no ack came although the connection lived. `expired`: the message may
 * have been stored, and the server would not recognise a retry and would store it twice.
 */
export type Failure = ErrorCode | "unknown" | "no_answer" | "expired";

export type Delivery =
  | { kind: "waiting" } // for a connection
  | { kind: "sending" } // handed to the connection, not acked
  | { kind: "stored"; at: number } // acked; its echo will place it in the timeline
  | { kind: "failed"; why: Failure };

export interface Outgoing {
  readonly id: string;
  readonly username: string;
  readonly text: string;
  /** When it was written, by the clock of this computer. */
  readonly at: number;
  /** When it was first handed to a connection: from then on the server may have stored it. */
  readonly firstSentAt: Moment | null;
  /** As whom it was sent then; null if the server had not told. */
  readonly author: string | null;
  readonly delivery: Delivery;
}

/** Own messages that are not in the timeline yet, in the order they were written; at most `maxOutgoing`. */
export type Outbox = readonly Outgoing[];

export type OutboxAction =
  | { type: "added"; item: Outgoing }
  | { type: "sent"; id: string; now: Moment; as: Sender }
  /** The messages of the connection begin behind `joined`, if that is known. */
  | { type: "answered"; id: string; answer: MessageAnswer; joined: Offset | null }
  | { type: "unanswered"; id: string }
  /** The connection is gone, and the missing acks with it. By now we know as whom it spoke. */
  | { type: "disconnected"; author: string | null }
  /** There is a connection again. Not recovered: missing echoes will not come. */
  | { type: "connected"; recovered: boolean; now: Moment; as: Sender }
  | { type: "echoed"; messages: readonly PlacedMessage[] }
  | { type: "retried"; id: string; now: Moment; as: Sender }
  | { type: "discarded"; id: string };

/** Who sends, and for how long the server recognises what this author sends again. */
export interface Sender {
  readonly author: string | null;
  readonly dedupeMs: number;
}

export const maxOutgoing = 100;

/** Taken off the time for which the server recognises a retry, for clocks and transit. */
export const marginMs = 60_000;

export function nextOutbox(state: Outbox, action: OutboxAction): Outbox {
  switch (action.type) {
    case "added":
      return state.length < maxOutgoing ? [...state, action.item] : state;
    case "sent":
      return changed(state, action.id, (item) => ({
        ...item,
        firstSentAt: item.firstSentAt ?? action.now,
        author: item.author ?? action.as.author,
        delivery: { kind: "sending" },
      }));
    case "answered":
      if (isFromBefore(action.answer, action.joined)) return state.filter((item) => item.id !== action.id);
      return changed(state, action.id, (item) => ({ ...item, delivery: answered(action.answer) }));
    case "unanswered":
      return changed(state, action.id, (item) => ({ ...item, delivery: { kind: "failed", why: "no_answer" } }));
    case "disconnected":
      return state.map((item) =>
        item.delivery.kind === "sending"
          ? { ...item, author: item.author ?? action.author, delivery: { kind: "waiting" } }
          : item,
      );
    case "connected":
      return state
        .filter((item) => action.recovered || item.delivery.kind !== "stored")
        .map((item) => (isUnsent(item.delivery) ? { ...item, delivery: nextDelivery(item, action) } : item));
    case "echoed":
      return withoutEchoed(state, action.messages);
    case "retried":
      // The person decides to send a message anew that the server may no longer recognise.
      return changed(state, action.id, (item) => ({
        ...item,
        ...(mayBeForgotten(item, action) && { firstSentAt: null, author: null }),
        delivery: { kind: "waiting" },
      }));
    case "discarded":
      return state.filter((item) => item.id !== action.id);
  }
}

/** Whether a retry can succeed (ERR-2). */
export function canRetry(why: Failure): boolean {
  switch (why) {
    case "unavailable":
    case "rate_limited":
    case "no_answer":
    case "expired":
    case "unknown":
      return true;
    case "invalid":
    case "empty":
    case "too_long":
    case "forbidden":
      return false;
  }
}

/** Whether to send it on the next connection. The server recognises the id if it has stored the message (ERR-2). */
function isUnsent(delivery: Delivery): boolean {
  if (delivery.kind === "failed") return delivery.why === "no_answer" || delivery.why === "unavailable";
  return delivery.kind === "waiting";
}

function nextDelivery(item: Outgoing, next: Attempt): Delivery {
  return mayBeForgotten(item, next) ? { kind: "failed", why: "expired" } : { kind: "waiting" };
}

interface Attempt {
  now: Moment;
  as: Sender;
}

/** The server recognises a retry by the same author only (MSG-10). */
function mayBeForgotten({ firstSentAt, author }: Outgoing, { now, as }: Attempt): boolean {
  if (firstSentAt === null) return false;
  return msBetween(firstSentAt, now) > as.dedupeMs - marginMs || (author !== null && author !== as.author);
}

/** Whether the server recognised a retry of a message from before this connection: no echo will come. */
function isFromBefore(answer: MessageAnswer, joined: Offset | null): boolean {
  return answer.status === "ok" && joined !== null && answer.at <= offsetMs(joined);
}

function answered(answer: MessageAnswer): Delivery {
  return answer.status === "ok" ? { kind: "stored", at: answer.at } : { kind: "failed", why: answer.code };
}

function changed(state: Outbox, id: string, change: (item: Outgoing) => Outgoing): Outbox {
  return state.map((item) => (item.id === id ? change(item) : item));
}

function withoutEchoed(state: Outbox, messages: readonly PlacedMessage[]): Outbox {
  if (state.length === 0) return state;
  const ids = new Set(messages.map((message) => message.id));
  const rest = state.filter((item) => !ids.has(item.id));
  return rest.length === state.length ? state : rest;
}
