import { type RefObject, useEffect, useRef, useState } from "react";
import { type Block, type MessageRow, messageRow } from "@/room/rows";
import { isPressed } from "./shortcuts";

/** A press of this length opens the menu on a touch screen. */
const pressMs = 450;
/** A finger that moves further scrolls, in pixels. */
const steadyPx = 10;

/** The message whose menu is wanted, and where: beside the box of a button, or at a point. */
export interface MenuTarget {
  readonly row: MessageRow;
  readonly box: Pick<DOMRect, "left" | "right" | "top" | "bottom">;
}

interface RowMenu {
  readonly target: MenuTarget | undefined;
  close(): void;
}

/**
 * useRowMenu notices when the menu of a message is wanted: by a click on its button, a right click or a long press on its
 * bubble, or a key. There is one menu for all rows. Links and selected text keep the menu of the browser.
 */
export function useRowMenu(scroller: RefObject<HTMLElement | null>, blocks: readonly Block[]): RowMenu {
  const [target, setTarget] = useState<MenuTarget>();
  const shown = useRef(blocks);
  useEffect(() => {
    shown.current = blocks;
  }, [blocks]);
  useEffect(() => {
    const list = scroller.current;
    if (!list) return;
    const open = (from: Element, box: MenuTarget["box"]) => {
      const row = messageAt(from, shown.current);
      if (row) setTarget({ row, box });
      return row !== undefined;
    };
    const ends = [watchPointer(list, open), watchFinger(list, open), watchKeys(list, open)];
    return () => {
      for (const end of ends) end();
    };
  }, [scroller]);
  return { target, close: () => setTarget(undefined) };
}

type Open = (from: Element, box: MenuTarget["box"]) => boolean;

function messageAt(from: Element, blocks: readonly Block[]): MessageRow | undefined {
  const key = from.closest("li[data-key]")?.getAttribute("data-key");
  return key ? messageRow(blocks, key) : undefined;
}

function pointBox({ clientX: x, clientY: y }: { clientX: number; clientY: number }): MenuTarget["box"] {
  return { left: x, right: x, top: y, bottom: y };
}

/** The bubble that a right click or a long press is meant for; none for one on a link or a button. */
function bubbleOf(target: EventTarget | null): Element | undefined {
  if (!(target instanceof Element) || target.closest("a, button")) return undefined;
  return target.closest("[data-bubble]") ?? undefined;
}

function watchPointer(list: HTMLElement, open: Open): () => void {
  const listeners = new AbortController();
  const { signal } = listeners;
  list.addEventListener(
    "click",
    ({ target }) => {
      const button = target instanceof Element ? target.closest("button[data-menu]") : null;
      if (button) open(button, button.getBoundingClientRect());
    },
    { signal },
  );
  list.addEventListener(
    "contextmenu",
    (event) => {
      const bubble = bubbleOf(event.target);
      const selects = document.getSelection()?.isCollapsed === false;
      if (bubble && !selects && open(bubble, pointBox(event))) event.preventDefault();
    },
    { signal },
  );
  return () => listeners.abort();
}

/** Browsers differ in what they report of a long press, so it is timed here. */
function watchFinger(list: HTMLElement, open: Open): () => void {
  const listeners = new AbortController();
  const options = { passive: true, signal: listeners.signal };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let begin = { clientX: 0, clientY: 0 };
  const end = () => clearTimeout(timer);
  const began = (event: PointerEvent) => {
    end();
    const bubble = bubbleOf(event.target);
    if (event.pointerType !== "touch" || !event.isPrimary || !bubble) return;
    begin = { clientX: event.clientX, clientY: event.clientY };
    timer = setTimeout(() => open(bubble, pointBox(begin)), pressMs);
  };
  const moved = ({ clientX, clientY }: PointerEvent) => {
    if (Math.hypot(clientX - begin.clientX, clientY - begin.clientY) > steadyPx) end();
  };
  list.addEventListener("pointerdown", began, options);
  list.addEventListener("pointermove", moved, options);
  for (const over of ["pointerup", "pointercancel", "scroll"] as const) list.addEventListener(over, end, options);
  return () => {
    end();
    listeners.abort();
  };
}

/** A message that a link led to has the focus itself. */
function watchKeys(list: HTMLElement, open: Open): () => void {
  const pressed = (event: KeyboardEvent) => {
    const { key, target } = event;
    if (!(target instanceof Element)) return;
    const asks = isPressed("menu", event) || (key === "Enter" && target.matches("article"));
    const article = target.closest("article");
    if (!asks || !article || target.matches("a")) return;
    const place = article.querySelector("button[data-menu]") ?? article;
    if (open(article, place.getBoundingClientRect())) event.preventDefault();
  };
  list.addEventListener("keydown", pressed);
  return () => list.removeEventListener("keydown", pressed);
}
