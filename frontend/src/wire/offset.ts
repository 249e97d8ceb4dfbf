import type { Offset } from "./contract";

const form = /^(\d{1,20})-(\d{1,20})$/;
/** Both numbers have 64 bits. */
const largest = "18446744073709551615";

export function isOffset(value: unknown): value is Offset {
  const numerals = typeof value === "string" ? form.exec(value)?.slice(1) : undefined;
  return numerals?.every((numeral) => compareNumerals(numeral, largest) <= 0) ?? false;
}

/** Before every message. */
export const firstPlace: Offset = "0-0";

/** The last place before a time in ms since the epoch. */
export function lastPlaceBefore(ms: number): Offset {
  return `${Math.max(Math.trunc(ms), 1) - 1}-${largest}`;
}

/** The time of the message at an offset, in ms since the epoch. */
export function offsetMs(offset: Offset): number {
  return Number(offset.slice(0, offset.indexOf("-")));
}

/** Negative if a is before b, 0 if they are equal. It compares text, because 64 bits do not fit a JavaScript number. */
export function compareOffsets(a: Offset, b: Offset): number {
  if (a === b) return 0;
  const [aMs = "", aSeq = ""] = a.split("-");
  const [bMs = "", bSeq = ""] = b.split("-");
  return compareNumerals(aMs, bMs) || compareNumerals(aSeq, bSeq);
}

function compareNumerals(a: string, b: string): number {
  const [x, y] = [a.replace(/^0+(?=\d)/, ""), b.replace(/^0+(?=\d)/, "")];
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}
