"use client";

import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { type Block, bottomBlock, type Row, RowBuilder } from "@/room/rows";
import type { Offset } from "@/wire/contract";
import { useCalendar } from "./calendar";
import { useMe, useRoomState, useRooms, useStore } from "./context";
import { useCopying } from "./copying";
import { useDateAsking } from "./dateasking";
import { BottomView, DayView, GapView, NewsView, TopView } from "./dividers";
import { endThreshold, useFollowing } from "./following";
import { useLoaded, usePreloading } from "./lazily";
import { useLoadNewer, useLoadOlder } from "./loading";
import styles from "./MessageList.module.css";
import { MessageView, type Reading } from "./MessageView";
import { NewMessages, NewSinceLeft } from "./NewMessages";
import { Opened } from "./opened";
import { useRoomKeys } from "./roomkeys";
import { useRowMenu } from "./rowmenu";
import { useRowStops } from "./rowstops";
import { SoughtNote } from "./SoughtNote";
import type { ScrollStep } from "./scrollkeys";
import type { SearchAsking } from "./searchasking";
import { useSeen } from "./seen";
import { center, useSought } from "./sought";
import { type List, useVirtualRows } from "./virtualrows";

/** Messages are loaded when fewer rows than this are above the visible ones, or below them. */
const nearThreshold = 20;

const loadDate = async () => (await import("./DateDialog")).DateDialog;
const loadSearch = async () => (await import("./SearchBar")).SearchBar;
const loadMenu = async () => (await import("./MessageMenu")).MessageMenu;

const parts = [loadSearch, loadDate, loadMenu];

interface Props {
  search: SearchAsking;
}

export function MessageList({ search }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const rooms = useRooms();
  const store = useStore();
  const inPast = useRoomState((state) => state.past !== null);
  const [isAtEnd, setFollows] = useState(true);
  const follows = isAtEnd && !inPast;
  const known = useReading(follows);
  const blocks = useBlocks(known);
  const { list, mounted, rowsAbove, rowsBelow, startOf } = useVirtualRows(blocks, scroller, follows);
  const mayFollow = useCallback(() => store.getState().past === null, [store]);
  const { leave, follow: followList, stay } = useFollowing(scroller, list, setFollows, blocks, mayFollow);
  const follow = useCallback(() => {
    rooms.showEnd();
    followList();
  }, [rooms, followList]);
  useLayoutEffect(() => {
    if (inPast) stay(); // its end is not that of the room
  }, [inPast, stay]);
  const inVain = useRoomState(({ sought }) => sought?.state === "missing" || sought?.state === "invalid");
  useEffect(() => {
    if (inVain) followList(); // the newest messages are shown instead
  }, [inVain, followList]);
  const marked = useSought(scroller, list, blocks, startOf, stay);
  useRoomKeys(scroller, useScrollStep(scroller, list, leave, follow));
  const roomLeft = list.getTotalSize() <= (list.scrollRect?.height ?? 0) + endThreshold;
  const isMeasured = list.range !== null;
  useLoadOlder(isMeasured && rowsAbove < nearThreshold && (roomLeft || !follows), scroller);
  useLoadNewer(isMeasured && rowsBelow < nearThreshold);

  // An own message is always brought into view.
  const written = useRoomState((state) => state.written);
  useEffect(() => {
    if (written !== null) follow();
  }, [written, follow]);
  useRowStops(scroller, mounted);
  useCopying(scroller, blocks);
  const menu = useRowMenu(scroller, blocks);
  usePreloading(parts);
  const bring = useBringing(scroller, list, startOf, stay);
  const SearchBar = useLoaded(loadSearch, search.asked);
  const date = useDateAsking(scroller);
  const DateDialog = useLoaded(loadDate, String(date.at ?? ""));
  const Menu = useLoaded(loadMenu, menu.target);
  const reading = useMemo<Reading>(() => ({ opened: new Opened(), revealed: new Set(), opens: leave }), [leave]);

  return (
    <div className={styles.frame} data-more={!follows || undefined}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section ref={scroller} className={styles.scroller} aria-label="Messages" tabIndex={0}>
        <ol className={styles.content} style={{ height: list.getTotalSize() }}>
          {mounted.map(({ row, index, start }) => (
            <li
              key={row.key}
              ref={index < 0 ? undefined : list.measureElement}
              data-index={index}
              data-key={row.key}
              data-marked={(row.kind === "message" && row.offset !== undefined && row.offset === marked) || undefined}
              className={styles.row}
              style={{ transform: `translateY(${start}px)` }}
            >
              <RowView row={row} reading={reading} />
            </li>
          ))}
        </ol>
      </section>
      <div className={styles.top}>
        {SearchBar && search.asked > 0 && (
          <SearchBar
            list={scroller}
            blocks={blocks}
            mounted={mounted}
            bring={bring}
            opened={reading.opened}
            closed={search.close}
            asked={search.asked}
          />
        )}
        <SoughtNote />
        {Menu && <Menu target={menu.target} closed={menu.close} list={scroller} />}
        <NewSinceLeft
          known={known}
          mounted={mounted}
          view={{ top: list.scrollOffset ?? 0, height: list.scrollRect?.height ?? 0 }}
        />
      </div>
      {DateDialog && date.at !== undefined && <DateDialog at={date.at} closed={date.close} />}
      <NewMessages follows={follows} near={!inPast && list.isAtEnd(endThreshold)} follow={follow} />
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
  const recalls = useRoomState((state) => state.recalls);
  const [known, setKnown] = useState<Offset | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: unread messages that arrive begin to be read
  useEffect(() => {
    // The room may have unread messages that are not rendered yet.
    const now = store.getState();
    if (reads && now.unread > 0) setKnown(now.read);
    // Before the history is complete, nobody has read to where it begins to be new.
    store.setReading(reads && !recalls);
    return () => store.setReading(false);
  }, [store, reads, unread, recalls]);
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

/** Brings a message into the middle of the view, or a part of it. The focus stays where it is. */
function useBringing(
  scroller: RefObject<HTMLElement | null>,
  list: List,
  startOf: (key: string) => number | undefined,
  stay: () => void,
): (key: string, part: (row: HTMLElement) => Range | undefined) => void {
  const find = useRef(startOf);
  const end = useRef(() => {});
  useEffect(() => {
    find.current = startOf;
  }, [startOf]);
  useEffect(() => () => end.current(), []);
  return useCallback(
    (key, part) => {
      const start = find.current(key);
      if (!scroller.current || start === undefined) return;
      stay();
      end.current();
      end.current = center(scroller.current, list, key, start, () => {}, part);
    },
    [scroller, list, stay],
  );
}

const nothing: readonly never[] = [];

function useBlocks(known: Offset | null): readonly Block[] {
  const timeline = useRoomState((state) => state.timeline);
  const past = useRoomState((state) => state.past);
  const outbox = useRoomState((state) => state.outbox);
  const me = useMe();
  // Another time zone has other days.
  const { zone } = useCalendar();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was laid out is laid out anew
  const builder = useMemo(() => new RowBuilder(), [zone]);
  // What waits to be sent is at the end of the room.
  const shown = past ? past : timeline;
  const waiting = past ? nothing : outbox;
  const blocks = useMemo(
    () => builder.update({ gaps: nothing, ...shown }, waiting, me, known),
    [builder, shown, waiting, me, known],
  );
  return useMemo(() => (past ? [...blocks, bottomBlock] : blocks), [past, blocks]);
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
    case "bottom":
      return <BottomView />;
  }
}
