import { type RefObject, useEffect, useLayoutEffect } from "react";

/**
 * useRowStops limits the Tab stops of the list to one row: the row with the focus, or else the last. Otherwise Tab
 * would stop at each link of each message. The arrow keys go to the links of other rows. The times are no stops: each
 * message has one.
 */
export function useRowStops(scroller: RefObject<HTMLElement | null>, mounted: unknown): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows come and go
  useLayoutEffect(() => keepOneStop(scroller.current), [scroller, mounted]);
  useEffect(() => {
    const list = scroller.current;
    const moved = () => keepOneStop(list);
    list?.addEventListener("focusin", moved);
    return () => list?.removeEventListener("focusin", moved);
  }, [scroller]);
}

function stopsOf(list: HTMLElement): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>("li :is(a, button):not([data-time])")];
}

function keepOneStop(list: HTMLElement | null): void {
  if (!list) return;
  const stops = stopsOf(list);
  const focused = document.activeElement?.closest("li");
  const row = stops.some((stop) => stop.closest("li") === focused) ? focused : stops.at(-1)?.closest("li");
  for (const stop of stops) stop.tabIndex = stop.closest("li") === row ? 0 : -1;
}

/** Goes to the next or previous stop in the list; false if there is none. */
export function goToStop(list: HTMLElement, from: HTMLElement, step: 1 | -1): boolean {
  const stops = stopsOf(list);
  const at = stops.indexOf(from);
  const next = at < 0 ? undefined : stops[at + step];
  next?.focus();
  return next !== undefined;
}
