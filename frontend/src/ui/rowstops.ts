import { type RefObject, useEffect, useLayoutEffect } from "react";

/**
 * useRowStops limits the Tab stops of the list to one row: the row with the focus, or else the last. Otherwise Tab
 * would stop at each link of each message. The arrow keys go to the links of other rows. The times are no stops: each
 * message has one. The button of the menu is one where a row has nothing else; left and right lead to it elsewhere.
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
  return [...list.querySelectorAll<HTMLElement>(`li ${other}, li:not(:has(${other})) [data-menu]`)];
}

const other = ":is(a, button):not([data-time], [data-menu])";

function keepOneStop(list: HTMLElement | null): void {
  if (!list) return;
  const stops = stopsOf(list);
  const focused = document.activeElement?.closest("li");
  const row = stops.some((stop) => stop.closest("li") === focused) ? focused : stops.at(-1)?.closest("li");
  for (const menu of list.querySelectorAll<HTMLElement>("[data-menu]")) menu.tabIndex = -1;
  for (const stop of stops) stop.tabIndex = stop.closest("li") === row ? 0 : -1;
}

/** Goes from a row's other stops to the button of its menu, or back; false if there is none. */
export function goAside(from: HTMLElement): boolean {
  const row = from.closest("li[data-key]");
  const aside = row?.querySelector<HTMLElement>(from.matches("[data-menu]") ? other : "[data-menu]");
  if (!aside || aside === from) return false;
  aside.focus();
  return true;
}

/** Goes to the next or previous stop in the list; false if there is none. */
export function goToStop(list: HTMLElement, from: HTMLElement, step: 1 | -1): boolean {
  const stops = stopsOf(list);
  const at = stops.indexOf(from.matches("[data-menu]") ? besideMenu(stops, from, step) : from);
  const next = at < 0 ? undefined : stops[at + step];
  next?.focus();
  return next !== undefined;
}

/** The stop of the same row from which the way goes on. */
function besideMenu(stops: readonly HTMLElement[], menu: HTMLElement, step: 1 | -1): HTMLElement {
  const row = menu.closest("li[data-key]");
  const own = stops.filter((stop) => stop.closest("li[data-key]") === row);
  return own.at(step < 0 ? 0 : -1) ?? menu;
}
