import type { Offset } from "@/wire/contract";
import { compareOffsets } from "@/wire/offset";

/** A stretch of the stream of which we know every message. It includes both ends. */
export interface Span {
  readonly from: Offset;
  readonly to: Offset;
}

/** Ascending and apart: messages may be missing between two spans. */
export type Spans = readonly Span[];

/** withSpan adds a span and merges the spans that touch it. */
export function withSpan(spans: Spans, added: Span): Spans {
  const before = spans.filter((span) => compareOffsets(span.to, added.from) < 0);
  const behind = spans.filter((span) => compareOffsets(span.from, added.to) > 0);
  const touching = spans.slice(before.length, spans.length - behind.length);
  const from = earlier(touching[0]?.from ?? added.from, added.from);
  const to = later(touching.at(-1)?.to ?? added.to, added.to);
  return [...before, { from, to }, ...behind];
}

function earlier(a: Offset, b: Offset): Offset {
  return compareOffsets(a, b) <= 0 ? a : b;
}

export function later(a: Offset, b: Offset): Offset {
  return compareOffsets(a, b) >= 0 ? a : b;
}
