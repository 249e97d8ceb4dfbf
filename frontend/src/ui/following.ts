import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from "react";

/** A reader within this distance of the end reads the end, in pixels. */
export const endThreshold = 80;
/** A reader who scrolls up by more than this has left the end, in pixels. */
const leaveThreshold = 1;
/** The browser moves the list within this time after a turn of the wheel, a touch or the opening of a row. */
const browserMoveMs = 300;

interface EndScroller {
  /** The height of the list: a row that was measured anew counts before the page shows it. */
  getTotalSize(): number;
  scrollToEnd(): void;
  cancelScroll(): void;
}

/**
 * useFollowing keeps a list at its end whatever changes: a message arrives, even above waiting ones; the oldest are
 * dropped; a keyboard opens; the input grows. It stops at the first sign that the reader wants to leave, because in a
 * busy room it would undo each small step. It never follows while `mayFollow` is false: then the end of the list is not
 * that of the room.
 */
export function useFollowing(
  scroller: RefObject<HTMLElement | null>,
  list: EndScroller,
  setFollows: (follows: boolean) => void,
  rows: unknown,
  mayFollow: () => boolean,
): { leave(): void; follow(): void; stay(): void } {
  const now = useRef<Now>({ follows: true, leaving: undefined });
  const set = useCallback(
    (wanted: boolean) => {
      const follows = wanted && mayFollow();
      now.current.follows = follows;
      setFollows(follows);
    },
    [setFollows, mayFollow],
  );
  const stay = useCallback(() => {
    list.cancelScroll();
    set(false);
  }, [list, set]);
  const follow = useCallback(() => {
    set(true);
    list.scrollToEnd();
  }, [list, set]);
  const leave = useCallback(() => {
    stay();
    clearTimeout(now.current.leaving);
    now.current.leaving = setTimeout(() => {
      now.current.leaving = undefined;
      if (scroller.current && fromEnd(scroller.current) <= leaveThreshold && mayFollow()) follow(); // the list did not move
    }, browserMoveMs);
  }, [stay, follow, scroller, mayFollow]);
  const keep = useCallback(() => {
    if (now.current.follows && mayFollow()) list.scrollToEnd();
  }, [list, mayFollow]);
  useEffect(() => watchScrolling(scroller.current, list, now.current, set, keep), [scroller, list, set, keep]);
  useEffect(() => watchHands(scroller.current, leave), [scroller, leave]);
  useEffect(() => () => clearTimeout(now.current.leaving), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list grows with its rows
  useLayoutEffect(keep, [keep, rows]);
  return { leave, follow, stay };
}

interface Now {
  follows: boolean;
  /** Runs until a reader who wants to leave has left. */
  leaving: ReturnType<typeof setTimeout> | undefined;
}

/** Only scrolling shows where the reader is; a change of height does not. */
function watchScrolling(
  element: HTMLElement | null,
  list: EndScroller,
  now: Readonly<Now>,
  set: (follows: boolean) => void,
  keep: () => void,
): (() => void) | undefined {
  if (!element) return undefined;
  let { clientHeight: height, scrollTop: top } = element;
  const scrolled = () => {
    const up = element.scrollTop < top;
    top = element.scrollTop;
    if (element.clientHeight !== height) return;
    // A row that shrinks at the end moves the list up, but not away from its end.
    const left = Math.min(fromEnd(element), list.getTotalSize() - element.clientHeight - top);
    // A reader who scrolls up wants to leave, even if a message arrives with every step. Nobody leaves the end
    // downwards: then the list has grown and will follow.
    if (up && left > leaveThreshold) set(false);
    else if (left <= (up ? leaveThreshold : endThreshold) && now.leaving === undefined) set(true);
  };
  const observer = new ResizeObserver(() => {
    height = element.clientHeight;
    keep();
  });
  element.addEventListener("scroll", scrolled, { passive: true });
  observer.observe(element);
  return () => {
    element.removeEventListener("scroll", scrolled);
    observer.disconnect();
  };
}

/** A turn of the wheel leaves the end before the browser moves the list: a new message would undo the move. */
function watchHands(element: HTMLElement | null, leave: () => void): (() => void) | undefined {
  if (!element) return undefined;
  let finger = 0;
  const turned = (event: WheelEvent) => {
    if (event.deltaY < 0 && !event.ctrlKey) leave();
  };
  const touched = ({ touches }: TouchEvent) => {
    finger = touches[0]?.clientY ?? 0;
  };
  const moved = ({ touches }: TouchEvent) => {
    if ((touches[0]?.clientY ?? 0) > finger) leave();
  };
  const listeners = new AbortController();
  const options = { passive: true, signal: listeners.signal };
  element.addEventListener("wheel", turned, options);
  element.addEventListener("touchstart", touched, options);
  element.addEventListener("touchmove", moved, options);
  return () => listeners.abort();
}

function fromEnd({ scrollHeight, scrollTop, clientHeight }: HTMLElement): number {
  return scrollHeight - scrollTop - clientHeight;
}
