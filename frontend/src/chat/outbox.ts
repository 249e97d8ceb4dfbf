import type { ErrorCode, MessageAnswer, Offset, PlacedMessage } from "@/wire/contract";
import { minDedupeMs } from "@/wire/limits";
import { offsetMs } from "@/wire/offset";
import { isErrorCode } from "@/wire/read";
import { earlierMoment, type Moment, msBetween } from "./clock";

/**
 * Why a message did not get through. `no_answer`: the connection lives, but no ack came. `expired`: it may have been
 * stored long ago, so long that the server would not recognise it and store it twice.
 */
export type Failure = ErrorCode | "unknown" | "no_answer" | "expired";

export type Delivery =
  | { kind: "waiting" } // for a connection, or for its turn
  | { kind: "sending" } // handed over, not acked
  | { kind: "stored"; at: number } // acked; its echo will give it a place
  | { kind: "failed"; why: Failure };

export interface Outgoing {
  readonly id: string;
  readonly username: string;
  readonly text: string;
  /** When it was written, by the clock of this computer. */
  readonly at: number;
  /** When it was first handed to a connection. From then on it may have been stored. */
  readonly firstSentAt: Moment | null;
  readonly delivery: Delivery;
}

/** Own messages without a place in the timeline yet, in the order they were written. At most `maxOutgoing`. */
export type Outbox = readonly Outgoing[];

export type OutboxAction =
  | { type: "added"; item: Outgoing }
  | { type: "sent"; id: string; now: Moment }
  /** What the connection brings comes after `joined`, if we know that. */
  | { type: "answered"; id: string; answer: MessageAnswer; joined: Offset | null }
  | { type: "unanswered"; id: string }
  /** The connection is gone, and with it the acks. */
  | { type: "disconnected" }
  /** A connection can carry messages again. Not recovered: echoes that are still due will not come. */
  | { type: "connected"; recovered: boolean; now: Moment }
  | { type: "echoed"; messages: readonly PlacedMessage[] }
  | { type: "retried"; id: string; now: Moment }
  | { type: "discarded"; id: string };

export const maxOutgoing = 100;

/** As long as every server recognises a message that is sent again; a minute less for clocks and travel. */
export const dedupeMs = minDedupeMs - 60_000;

export function outbox(state: Outbox, action: OutboxAction): Outbox {
  switch (action.type) {
    case "added":
      return state.length < maxOutgoing ? [...state, action.item] : state;
    case "sent":
      return changed(state, action.id, (item) => ({
        ...item,
        firstSentAt: item.firstSentAt ?? action.now,
        delivery: { kind: "sending" },
      }));
    case "answered":
      if (isOld(action.answer, action.joined)) return state.filter((item) => item.id !== action.id);
      return changed(state, action.id, (item) => ({ ...item, delivery: delivery(action.answer) }));
    case "unanswered":
      return changed(state, action.id, (item) => ({ ...item, delivery: { kind: "failed", why: "no_answer" } }));
    case "disconnected":
      return state.map((item) =>
        item.delivery.kind === "sending" ? { ...item, delivery: { kind: "waiting" } } : item,
      );
    case "connected":
      return state
        .filter((item) => action.recovered || item.delivery.kind !== "stored")
        .map((item) => (isUnsettled(item.delivery) ? { ...item, delivery: nextTry(item, action.now) } : item));
    case "echoed":
      return withoutEchoed(state, action.messages);
    case "retried":
      // Whoever retries a message that the server may have forgotten decides to send it anew.
      return changed(state, action.id, (item) => ({
        ...item,
        firstSentAt: mayBeForgotten(item, action.now) ? null : item.firstSentAt,
        delivery: { kind: "waiting" },
      }));
    case "discarded":
      return state.filter((item) => item.id !== action.id);
  }
}

/** Whether the same event may be sent again (ERR-2); the others would be refused again. */
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
      return false;
  }
}

/** Whether a message is still to be sent, or may have been stored or not: the same id makes it safe to send it (ERR-2). */
function isUnsettled(delivery: Delivery): boolean {
  if (delivery.kind === "failed") return delivery.why === "no_answer" || delivery.why === "unavailable";
  return delivery.kind === "waiting";
}

function nextTry(item: Outgoing, now: Moment): Delivery {
  return mayBeForgotten(item, now) ? { kind: "failed", why: "expired" } : { kind: "waiting" };
}

function mayBeForgotten(item: Outgoing, now: Moment): boolean {
  return item.firstSentAt !== null && msBetween(item.firstSentAt, now) > dedupeMs;
}

/** Sent again and recognised by the server: a message that stands before all that this connection brings. */
function isOld(answer: MessageAnswer, joined: Offset | null): boolean {
  return answer.status === "ok" && joined !== null && answer.at <= offsetMs(joined);
}

function delivery(answer: MessageAnswer): Delivery {
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

/** What a reload must not lose. What was stored needs no second telling. */
export function writeOutbox(state: Outbox): string {
  const kept = state.filter((item) => item.delivery.kind !== "stored");
  return JSON.stringify(kept.map((item) => ({ ...item, firstSentAt: item.firstSentAt?.wall ?? null })));
}

/** readOutbox takes what an earlier page left; what is not as we write it is left out. */
export function readOutbox(text: string | null): Outbox {
  try {
    const items: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(items)
      ? items
          .map(readItem)
          .filter((item) => item !== undefined)
          .slice(0, maxOutgoing)
      : [];
  } catch {
    return [];
  }
}

function readItem(value: unknown): Outgoing | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { id, username, text, at, firstSentAt, delivery } = value as Record<string, unknown>;
  const sentAt = typeof firstSentAt === "number" ? earlierMoment(firstSentAt) : null;
  if (typeof id !== "string" || typeof username !== "string" || typeof text !== "string" || typeof at !== "number") {
    return undefined;
  }
  return { id, username, text, at, firstSentAt: sentAt, delivery: readDelivery(delivery) };
}

function readDelivery(value: unknown): Delivery {
  const { kind, why } = (value ?? {}) as Record<string, unknown>;
  if (kind !== "failed") return { kind: "waiting" };
  return { kind, why: isErrorCode(why) || why === "no_answer" || why === "expired" ? why : "unknown" };
}
