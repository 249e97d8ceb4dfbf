import type { PlacedMessage, Welcome } from "@/wire/contract";
import { firstLimits } from "@/wire/limits";

/** The n-th message of a generated stream. Three messages share a millisecond. */
export function placed(n: number, change: Partial<PlacedMessage> = {}): PlacedMessage {
  const at = 1_700_000_000_000 + Math.floor(n / 3);
  return { message: `text ${n}`, username: "ada", id: `a-${n}`, at, offset: `${at}-${n % 3}`, ...change };
}

/** What a guest is told, or who else a change makes of them. */
export function welcome(id: string, change: Partial<Welcome> = {}): Welcome {
  return { user: { id, guest: true }, token: `${id}.secret`, limits: firstLimits, ...change };
}

export function placedRange(from: number, to: number): PlacedMessage[] {
  return Array.from({ length: Math.max(to - from, 0) }, (_, i) => placed(from + i));
}
