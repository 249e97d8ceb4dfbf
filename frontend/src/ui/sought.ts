import { type RefObject, useEffect, useLayoutEffect, useState } from "react";
import { type Block, keyAt } from "@/room/rows";
import type { Offset } from "@/wire/contract";
import { useRoomState } from "./context";
import type { List } from "./virtualrows";

/** The message of a link is marked for so long. */
const markMs = 5000;
/** The row has its place when it did not move for so many frames. */
const stillFrames = 5;
/** Rows that are measured move those below them; at some point the row is where it is. */
const mostFrames = 60;

/**
 * useSought brings the message that a link leads to into the middle of the view, and gives it the focus, so that it is
 * read out. Returns its place for as long as it is marked.
 */
export function useSought(
  scroller: RefObject<HTMLElement | null>,
  list: List,
  blocks: readonly Block[],
  startOf: (key: string) => number | undefined,
  stay: () => void,
): Offset | undefined {
  const sought = useRoomState((state) => state.sought);
  const [marked, setMarked] = useState<Offset>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the reader is moved once, not with each change of the rows
  useLayoutEffect(() => {
    if (sought?.state !== "shown" || !scroller.current) return;
    const key = keyAt(blocks, sought.offset);
    if (key === undefined) return;
    stay();
    setMarked(sought.offset);
    return center(scroller.current, list, key, startOf(key) ?? 0);
  }, [sought]);
  useEffect(() => {
    if (marked === undefined || !sought) return;
    const timer = setTimeout(() => setMarked(undefined), markMs);
    return () => clearTimeout(timer);
  }, [marked, sought]);
  return marked;
}

/** Scrolls until a row is in the middle, or a part of it. A reader who moves the list ends that. */
export function center(
  scroller: HTMLElement,
  list: List,
  key: string,
  start: number,
  found: (row: HTMLElement | null) => void = focus,
  part: (row: HTMLElement) => Place | undefined = (row) => row,
): () => void {
  const moved = new AbortController();
  const options = { passive: true, signal: moved.signal };
  for (const hand of ["wheel", "touchstart", "pointerdown", "keydown"])
    scroller.addEventListener(hand, () => moved.abort(), options);
  let [frames, still] = [0, 0];
  const step = () => {
    if (moved.signal.aborted || frames++ > mostFrames) return;
    const row = scroller.querySelector<HTMLElement>(`li[data-key="${CSS.escape(key)}"]`);
    const before = scroller.scrollTop;
    if (row) scroller.scrollTop += distance(part(row) ?? row, scroller);
    else list.scrollToOffset(Math.max(start - scroller.clientHeight / 2, 0));
    still = row && Math.abs(scroller.scrollTop - before) < 1 ? still + 1 : 0;
    if (still < stillFrames) requestAnimationFrame(step);
    if (still === 1) found(row);
  };
  step();
  return () => moved.abort();
}

type Place = Pick<Element, "getBoundingClientRect">;

/** How far the middle of a row is below that of the list. The beginning of a long row is what counts. */
function distance(row: Place, scroller: HTMLElement): number {
  const [inner, outer] = [row.getBoundingClientRect(), scroller.getBoundingClientRect()];
  return inner.top - outer.top - Math.max((outer.height - inner.height) / 2, 0);
}

function focus(row: HTMLElement | null): void {
  const article = row?.querySelector("article");
  if (!article) return;
  article.tabIndex = -1;
  article.focus({ preventScroll: true });
}
