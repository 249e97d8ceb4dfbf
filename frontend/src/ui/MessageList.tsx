"use client";

import { defaultRangeExtractor, type Range, useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { buildRows, type Row } from "@/chat/rows";
import { countAfter } from "@/chat/timeline";
import { useChatState, useMe, useStore } from "./context";
import { DayView, GapView, TopView } from "./dividers";
import { keepFocus } from "./focus";
import { endThreshold, useFollowing } from "./following";
import styles from "./MessageList.module.css";
import { MessageView, type Reading } from "./MessageView";
import { useRoomKeys } from "./roomkeys";

/** Rows that are mounted beyond what is seen, on either side. */
const overscan = 8;
/** Older messages are asked for when this few rows are left above what is seen. */
const olderThreshold = 20;
/** What comes with a connection comes at once; a list that fills is no reason to ask for more. */
const settleMs = 100;

export function MessageList() {
  const rows = useRows();
  const scroller = useRef<HTMLDivElement>(null);
  const [follows, setFollows] = useState(true);
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => estimate(rows[index]),
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan,
    rangeExtractor: (range) => withFocused(range, scroller.current, rows),
    anchorTo: "end",
    // A row that grows takes the reader along at the end only, and not if they have just left it.
    scrollEndThreshold: follows ? 1 : -1,
    // Near enough to begin with; the effect below makes it exact.
    initialOffset: () => rows.reduce((sum, row) => sum + estimate(row), 0),
  });
  const { leave, follow } = useFollowing(scroller, list, setFollows, rows);
  useRoomKeys(
    scroller,
    useCallback(
      (step) => {
        if (step === "end") return follow();
        if (step === "begin" || step < 0) leave();
        if (step === "begin") list.scrollToOffset(0);
        else list.scrollBy(step * (scroller.current?.clientHeight ?? 0));
      },
      [list, leave, follow],
    ),
  );
  const items = list.getVirtualItems();
  const roomLeft = list.getTotalSize() <= (list.scrollRect?.height ?? 0) + endThreshold;
  const near = list.range !== null && list.range.startIndex < olderThreshold;
  useLoadOlder(near && (roomLeft || !follows), scroller);

  // What one has written oneself is always shown.
  const written = useChatState((state) => state.written);
  useEffect(() => {
    if (written !== null) follow();
  }, [written, follow]);
  const reading = useMemo<Reading>(() => ({ opened: new Set(), opens: leave }), [leave]);

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
                {row && <RowView row={row} reading={reading} />}
              </li>
            );
          })}
        </ol>
      </section>
      <NewMessages follows={follows} near={list.isAtEnd(endThreshold)} follow={follow} />
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
function NewMessages({ follows, near, follow }: { follows: boolean; near: boolean; follow: () => void }) {
  const timeline = useChatState((state) => state.timeline);
  const newest = timeline.entries.at(-1)?.offset;
  const [seen, setSeen] = useState(newest);
  useEffect(() => {
    if (follows) setSeen(newest);
  }, [follows, newest]);
  if (follows) return null;
  const unseen = seen === undefined ? timeline.entries.length : countAfter(timeline, seen);
  if (near && unseen === 0) return null;
  return (
    <button type="button" className={styles.pill} onClick={keepFocus(follow)}>
      <span>{pillWords(unseen)}</span>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M8 2.500v10M3.500 8.500 8 13l4.500-4.500" />
      </svg>
    </button>
  );
}

function pillWords(unseen: number): string {
  if (unseen === 0) return "Newest";
  return `${unseen.toLocaleString("en")} new ${unseen === 1 ? "message" : "messages"}`;
}

function RowView({ row, reading }: { row: Row; reading: Reading }) {
  switch (row.kind) {
    case "message":
      return <MessageView row={row} reading={reading} />;
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
