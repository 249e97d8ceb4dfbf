import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from "react";

/** This close to the end counts as reading the end. */
export const endThreshold = 80;
/** Scrolled up by more than this, a reader has left the end. */
const leaveThreshold = 1;
/** A browser moves the list within this time after the wheel turned, a finger moved or a row was opened. */
const settleMs = 300;

interface EndScroller {
  scrollToEnd(): void;
  cancelScroll(): void;
}

/**
 * A list that stands at its end stays there, whatever changes: something comes, also above messages that still wait; the
 * oldest are dropped; a keyboard opens; the input grows. It stops with the first hint that the reader wants to leave: in a
 * busy room it would otherwise undo each small step.
 */
export function useFollowing(
  scroller: RefObject<HTMLElement | null>,
  list: EndScroller,
  setFollows: (follows: boolean) => void,
  rows: unknown,
): { leave(): void; follow(): void } {
  const now = useRef<Now>({ follows: true, leaving: undefined });
  const set = useCallback(
    (follows: boolean) => {
      now.current.follows = follows;
      setFollows(follows);
    },
    [setFollows],
  );
  const follow = useCallback(() => {
    set(true);
    list.scrollToEnd();
  }, [list, set]);
  const leave = useCallback(() => {
    list.cancelScroll();
    set(false);
    clearTimeout(now.current.leaving);
    now.current.leaving = setTimeout(() => {
      now.current.leaving = undefined;
      if (scroller.current && fromEnd(scroller.current) <= leaveThreshold) follow(); // Nothing came of it.
    }, settleMs);
  }, [list, set, follow, scroller]);
  const keep = useCallback(() => {
    if (now.current.follows) list.scrollToEnd();
  }, [list]);
  useEffect(() => watchScrolling(scroller.current, now.current, set, keep), [scroller, set, keep]);
  useEffect(() => watchHands(scroller.current, leave), [scroller, leave]);
  useEffect(() => () => clearTimeout(now.current.leaving), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list grows with its rows
  useLayoutEffect(keep, [keep, rows]);
  return { leave, follow };
}

interface Now {
  follows: boolean;
  /** Runs while a reader who wants to leave has not got away yet. */
  leaving: ReturnType<typeof setTimeout> | undefined;
}

/** Where a reader stands is told by scrolling only, not by the change of height itself. */
function watchScrolling(
  element: HTMLElement | null,
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
    const left = fromEnd(element);
    // Who scrolls up wants to leave, and must get away from the end even if something new comes with every step. Nobody
    // leaves it downwards: then it is the list that has grown, and goes along in a moment.
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

/** Whoever turns the wheel up or pulls the list down has left: what comes before the browser moves it would undo it. */
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
