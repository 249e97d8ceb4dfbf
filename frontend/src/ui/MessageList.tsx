"use client";

import { defaultRangeExtractor, type Range, useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { buildRows, type Row } from "@/chat/rows";
import { countAfter } from "@/chat/timeline";
import { useChatState, useMe, useStore } from "./context";
import { DayView, GapView, TopView } from "./dividers";
import { keepFocus } from "./focus";
import styles from "./MessageList.module.css";
import { MessageView } from "./MessageView";

/** This close to the end counts as reading the end. */
const endThreshold = 80;
/** Scrolled up by more than this, a reader has left the end. */
const leaveThreshold = 1;
/** Rows that are mounted beyond what is seen, on either side. */
const overscan = 8;
/** Older messages are asked for when this few rows are left above what is seen. */
const olderThreshold = 20;
/** What comes with a connection comes at once; a list that fills is no reason to ask for more. */
const settleMs = 100;

export function MessageList() {
  const rows = useRows();
  const scroller = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => estimate(rows[index]),
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan,
    rangeExtractor: (range) => withFocused(range, scroller.current, rows),
    anchorTo: "end",
    // Near enough to begin with; the effect below makes it exact.
    initialOffset: () => rows.reduce((sum, row) => sum + estimate(row), 0),
  });
  useKeepEnd(scroller, rows, list.scrollToEnd);
  const items = list.getVirtualItems();
  const atEnd = list.isAtEnd(endThreshold);
  const roomLeft = list.getTotalSize() <= (list.scrollRect?.height ?? 0) + endThreshold;
  const near = list.range !== null && list.range.startIndex < olderThreshold;
  useLoadOlder(near && (roomLeft || !atEnd), scroller);

  // What one has written oneself is always shown.
  const written = useChatState((state) => state.written);
  useEffect(() => {
    if (written !== null) list.scrollToEnd();
  }, [written, list]);

  return (
    <div className={styles.frame}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section ref={scroller} className={styles.scroller} aria-label="Messages" tabIndex={0}>
        <ol className={styles.content} style={{ height: list.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            return (
              <li
                key={item.key}
                ref={list.measureElement}
                data-index={item.index}
                data-key={item.key}
                className={styles.row}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {row && <RowView row={row} />}
              </li>
            );
          })}
        </ol>
      </section>
      <NewMessages atEnd={atEnd} toEnd={() => list.scrollToEnd()} />
    </div>
  );
}

/** A row that holds the focus stays mounted: it would fall back to the top of the page. */
function withFocused(range: Range, scroller: HTMLElement | null, rows: readonly Row[]): number[] {
  const indexes = defaultRangeExtractor(range);
  const key = scroller?.querySelector("li:focus-within")?.getAttribute("data-key");
  if (!key) return indexes;
  const focused = rows.findIndex((row) => row.key === key);
  if (focused < 0 || indexes.includes(focused)) return indexes;
  return [...indexes, focused].sort((a, b) => a - b);
}

function useRows(): Row[] {
  const timeline = useChatState((state) => state.timeline);
  const outbox = useChatState((state) => state.outbox);
  const me = useMe();
  return useMemo(() => buildRows(timeline, outbox, me), [timeline, outbox, me]);
}

/**
 * A list that stands at its end stays there, whatever changes: something comes, also above messages that still wait; the
 * oldest are dropped; a keyboard opens; the input grows.
 */
function useKeepEnd(scroller: RefObject<HTMLElement | null>, rows: readonly Row[], toEnd: () => void): void {
  const atEnd = useRef(true);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    let height = element.clientHeight;
    let top = element.scrollTop;
    const scrolled = () => {
      const up = element.scrollTop < top;
      top = element.scrollTop;
      // Where a reader stands is told by scrolling only, not by the change of height itself.
      if (element.clientHeight !== height) return;
      // Who scrolls up wants to leave, and must get away from the end even if something new comes with every step.
      atEnd.current = element.scrollHeight - top - height <= (up ? leaveThreshold : endThreshold);
    };
    const observer = new ResizeObserver(() => {
      height = element.clientHeight;
      if (atEnd.current) toEnd();
    });
    element.addEventListener("scroll", scrolled, { passive: true });
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", scrolled);
      observer.disconnect();
    };
  }, [scroller, toEnd]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list grows with its rows
  useLayoutEffect(() => {
    if (atEnd.current) toEnd();
  }, [rows, toEnd]);
}

/** Loads what comes before the first row when the reader comes near it, or when there is room for more. */
function useLoadOlder(wanted: boolean, scroller: RefObject<HTMLElement | null>): void {
  const store = useStore();
  const older = useChatState((state) => state.older);
  const ready = useChatState((state) => state.connection.state === "live" && state.timeline.live !== null);
  const oldest = useChatState((state) => state.timeline.entries[0]?.offset);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a page that was loaded may call for the next
  useEffect(() => {
    if (!wanted || !ready || older !== "idle") return;
    const timer = setTimeout(() => {
      // Rows were drawn where the list stood before it went along with what came in; that is not where the reader is.
      if (scroller.current && !showsOnlyTheEnd(scroller.current)) void store.loadOlder();
    }, settleMs);
    return () => clearTimeout(timer);
  }, [wanted, ready, older, oldest, store, scroller]);
}

function showsOnlyTheEnd({ scrollTop, scrollHeight, clientHeight }: HTMLElement): boolean {
  const hidden = scrollHeight - clientHeight;
  return hidden > endThreshold && hidden - scrollTop <= endThreshold;
}

/** The pill that counts what came while one was reading further up. */
function NewMessages({ atEnd, toEnd }: { atEnd: boolean; toEnd: () => void }) {
  const timeline = useChatState((state) => state.timeline);
  const newest = timeline.entries.at(-1)?.offset;
  const [seen, setSeen] = useState(newest);
  useEffect(() => {
    if (atEnd) setSeen(newest);
  }, [atEnd, newest]);
  if (atEnd) return null;
  const unseen = seen === undefined ? timeline.entries.length : countAfter(timeline, seen);
  return (
    <button type="button" className={styles.pill} onClick={keepFocus(toEnd)}>
      {unseen > 0 ? `${unseen.toLocaleString("en")} new ${unseen === 1 ? "message" : "messages"}` : "Newest"}
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M8 2.500v10M3.500 8.500 8 13l4.500-4.500" />
      </svg>
    </button>
  );
}

function RowView({ row }: { row: Row }) {
  switch (row.kind) {
    case "message":
      return <MessageView row={row} />;
    case "day":
      return <DayView at={row.at} />;
    case "gap":
      return <GapView gap={row.gap} />;
    case "top":
      return <TopView more={row.more} />;
  }
}

/** Heights are measured once a row is shown; until then this has to do. */
function estimate(row: Row | undefined): number {
  if (row?.kind !== "message") return 56;
  const lines = Math.ceil(row.text.length / 60);
  return 40 + Math.min(lines, 20) * 22 + (row.first ? 24 : 0);
}
