"use client";

import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Block, type Row, RowBuilder } from "@/room/rows";
import { countAfter } from "@/timeline/timeline";
import type { Offset } from "@/wire/contract";
import { useCalendar } from "./calendar";
import { useLive, useMe, useRoomState, useStore } from "./context";
import { useCopying } from "./copying";
import { DayView, GapView, NewsView, TopView } from "./dividers";
import { keepFocus } from "./focus";
import { endThreshold, useFollowing } from "./following";
import styles from "./MessageList.module.css";
import { MessageView, type Reading } from "./MessageView";
import { useRoomKeys } from "./roomkeys";
import { useRowStops } from "./rowstops";
import type { ScrollStep } from "./scrollkeys";
import { useSeen } from "./seen";
import { type List, useVirtualRows } from "./virtualrows";

/** Older messages are loaded when fewer rows than this are above the visible ones. */
const olderThreshold = 20;
/** The history arrives within this time; a list that is still filling loads nothing more. */
const historyFillMs = 100;

export function MessageList() {
  const scroller = useRef<HTMLDivElement>(null);
  const [follows, setFollows] = useState(true);
  const blocks = useBlocks(useReading(follows));
  const { list, mounted, rowsAbove } = useVirtualRows(blocks, scroller, follows);
  const { leave, follow } = useFollowing(scroller, list, setFollows, blocks);
  useRoomKeys(scroller, useScrollStep(scroller, list, leave, follow));
  const roomLeft = list.getTotalSize() <= (list.scrollRect?.height ?? 0) + endThreshold;
  const near = list.range !== null && rowsAbove < olderThreshold;
  useLoadOlder(near && (roomLeft || !follows), scroller);

  // An own message is always brought into view.
  const written = useRoomState((state) => state.written);
  useEffect(() => {
    if (written !== null) follow();
  }, [written, follow]);
  useRowStops(scroller, mounted);
  useCopying(scroller, blocks);
  const reading = useMemo<Reading>(() => ({ opened: new Set(), opens: leave }), [leave]);

  return (
    <div className={styles.frame}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section ref={scroller} className={styles.scroller} aria-label="Messages" tabIndex={0}>
        <ol className={styles.content} style={{ height: list.getTotalSize() }}>
          {mounted.map(({ row, index, start }) => (
            <li
              key={row.key}
              ref={index < 0 ? undefined : list.measureElement}
              data-index={index}
              data-key={row.key}
              className={styles.row}
              style={{ transform: `translateY(${start}px)` }}
            >
              <RowView row={row} reading={reading} />
            </li>
          ))}
        </ol>
      </section>
      <NewMessages follows={follows} near={list.isAtEnd(endThreshold)} follow={follow} />
    </div>
  );
}

/**
 * What arrives is read while the reader is at the end and looks at the page. Returns the last place that they knew when
 * they last came to unread messages; null if they did not.
 */
function useReading(follows: boolean): Offset | null {
  const store = useStore();
  const reads = useSeen() && follows;
  const unread = useRoomState((state) => state.unread > 0);
  const [known, setKnown] = useState<Offset | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: unread messages that arrive begin to be read
  useEffect(() => {
    // The room may have unread messages that are not rendered yet.
    const now = store.getState();
    if (reads && now.unread > 0) setKnown(now.read);
    store.setReading(reads);
    return () => store.setReading(false);
  }, [store, reads, unread]);
  return known;
}

function useScrollStep(
  scroller: RefObject<HTMLElement | null>,
  list: List,
  leave: () => void,
  follow: () => void,
): (step: ScrollStep) => void {
  return useCallback(
    (step) => {
      if (step === "end") return follow();
      if (step === "begin" || step < 0) leave();
      if (step === "begin") list.scrollToOffset(0);
      else list.scrollBy(step * (scroller.current?.clientHeight ?? 0));
    },
    [scroller, list, leave, follow],
  );
}

function useBlocks(known: Offset | null): readonly Block[] {
  const timeline = useRoomState((state) => state.timeline);
  const outbox = useRoomState((state) => state.outbox);
  const me = useMe();
  // Another time zone has other days.
  const { zone } = useCalendar();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was laid out is laid out anew
  const builder = useMemo(() => new RowBuilder(), [zone]);
  return useMemo(() => builder.update(timeline, outbox, me, known), [builder, timeline, outbox, me, known]);
}

/** Loads older messages when the reader is near the first row, or when the list has space left. */
function useLoadOlder(wanted: boolean, scroller: RefObject<HTMLElement | null>): void {
  const store = useStore();
  const older = useRoomState((state) => state.older);
  const live = useLive();
  const joined = useRoomState((state) => state.timeline.live !== null);
  const oldest = useRoomState((state) => state.timeline.entries[0]?.offset);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a page that was loaded may call for the next
  useEffect(() => {
    if (!wanted || !live || !joined || older !== "idle") return;
    const timer = setTimeout(() => {
      // The rows may still be those of the position before new messages moved the list: check where the reader is.
      if (scroller.current && !showsOnlyTheEnd(scroller.current)) void store.loadOlder();
    }, historyFillMs);
    return () => clearTimeout(timer);
  }, [wanted, live, joined, older, oldest, store, scroller]);
}

function showsOnlyTheEnd({ scrollTop, scrollHeight, clientHeight }: HTMLElement): boolean {
  const hidden = scrollHeight - clientHeight;
  return hidden > endThreshold && hidden - scrollTop <= endThreshold;
}

/** The pill that counts the new messages while the reader is further up. */
function NewMessages({ follows, near, follow }: { follows: boolean; near: boolean; follow: () => void }) {
  const timeline = useRoomState((state) => state.timeline);
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
    case "news":
      return <NewsView />;
    case "top":
      return <TopView more={row.more} />;
  }
}
