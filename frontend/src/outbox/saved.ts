import { earlierMoment } from "@/browser/clock";
import { isErrorCode, isTime } from "@/wire/read";
import { type Delivery, maxOutgoing, type Outbox, type Outgoing } from "./outbox";

/** writeOutbox returns what a reload must keep: every message that the server has not stored. */
export function writeOutbox(state: Outbox): string {
  const kept = state.filter((item) => item.delivery.kind !== "stored");
  return JSON.stringify(kept.map((item) => ({ ...item, firstSentAt: item.firstSentAt?.wall ?? null })));
}

/** readOutbox reads what an earlier page wrote. It leaves out what it does not understand. */
export function readOutbox(text: string | null): Outbox {
  try {
    const items: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(items)
      ? items
          .map(readItem)
          .filter((item) => item !== undefined)
          .filter(({ id }, i, all) => all.findIndex((other) => other.id === id) === i)
          .slice(0, maxOutgoing)
      : [];
  } catch {
    return [];
  }
}

function readItem(value: unknown): Outgoing | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { id, username, text, at, firstSentAt, author, delivery } = value as Record<string, unknown>;
  const sentAt = typeof firstSentAt === "number" ? earlierMoment(firstSentAt) : null;
  if (typeof id !== "string" || typeof username !== "string" || typeof text !== "string" || !isTime(at)) {
    return undefined;
  }
  const sentAs = typeof author === "string" ? author : null;
  return { id, username, text, at, firstSentAt: sentAt, author: sentAs, delivery: readDelivery(delivery) };
}

function readDelivery(value: unknown): Delivery {
  const { kind, why } = (value ?? {}) as Record<string, unknown>;
  if (kind !== "failed") return { kind: "waiting" };
  return { kind, why: isErrorCode(why) || why === "no_answer" || why === "expired" ? why : "unknown" };
}
