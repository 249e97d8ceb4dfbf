"use client";

import {
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import type { MessageRow } from "@/room/rows";
import { messageAddress } from "@/rooms/address";
import { quoted } from "@/text/quoted";
import { copyText } from "./clipboard";
import { useHidden, useIsHidden, useMayWrite, useStore } from "./context";
import { composerInput } from "./focus";
import notes from "./MessageList.module.css";
import styles from "./MessageMenu.module.css";
import type { MenuTarget } from "./rowmenu";

const toldMs = 4000;
/** The menu keeps this distance from the edges of the page, in pixels. */
const edgePx = 8;

interface Props {
  target: MenuTarget | undefined;
  closed(): void;
  list: RefObject<HTMLElement | null>;
}

/** The menu of a message, and the note that says what became of it. */
export function MessageMenu({ target, closed, list }: Props) {
  const [told, setTold] = useState("");
  useEffect(() => {
    if (told === "") return;
    const timer = setTimeout(() => setTold(""), toldMs);
    return () => clearTimeout(timer);
  }, [told]);
  return (
    <>
      {target && <Menu target={target} closed={closed} list={list} tell={setTold} />}
      <div aria-live="polite">
        {told !== "" && (
          <div className={notes.note}>
            <p>{told}</p>
          </div>
        )}
      </div>
    </>
  );
}

interface Entry {
  readonly words: ReactNode;
  /** The path of its icon. */
  readonly icon: string;
  act(): void;
}

function Menu({ target, closed, list, tell }: Props & { target: MenuTarget; tell(words: string): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const entries = useEntries(target.row, tell);
  useLayoutEffect(() => {
    const opened = dialog.current;
    if (!opened) return;
    opened.showModal();
    place(opened, target.box);
    itemsOf(opened)[0]?.focus();
    return () => opened.close();
  }, [target]);
  /** The browser gives the focus back to where it was, before the entry moves it. */
  const close = (act?: () => void) => {
    dialog.current?.close();
    act?.();
    closed();
    // The row may be gone, or have no button any more.
    requestAnimationFrame(() => document.activeElement === document.body && list.current?.focus());
  };
  return (
    <dialog
      ref={dialog}
      className={styles.menu}
      onPointerDown={(event) => event.target === event.currentTarget && close()}
      onContextMenu={(event) => event.preventDefault()}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <div role="menu" className={styles.items} aria-label="Message" onKeyDown={(event) => moveFocus(event, close)}>
        {entries.map(({ words, icon, act }) => (
          <button key={icon} type="button" role="menuitem" tabIndex={-1} onClick={() => close(act)}>
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d={icon} />
            </svg>
            <span>{words}</span>
          </button>
        ))}
      </div>
    </dialog>
  );
}

/** A message that is not stored yet has no place, and so no link; it can be edited as a new one from its text. */
function useEntries(row: MessageRow, tell: (words: string) => void): readonly Entry[] {
  const { name } = useStore();
  const mayWrite = useMayWrite();
  const person = usePersonEntry(row, tell);
  const { offset, text } = row;
  const copy = async (what: string, copied: string) =>
    tell((await copyText(copied)) ? `${what} copied` : "Your browser does not let this page copy.");
  const entries: Entry[] = [{ words: "Copy text", icon: icons.copy, act: () => void copy("Text", text) }];
  if (offset === undefined) return entries;
  const address = () => new URL(messageAddress(name, offset), window.location.href).href;
  if (mayWrite) entries.push({ words: "Quote", icon: icons.quote, act: () => quote(text) });
  entries.push({ words: "Copy link", icon: icons.link, act: () => void copy("Link", address()) });
  return person ? [...entries, person] : entries;
}

/** Nobody hides themselves, nor an author whom the server does not name. */
function usePersonEntry({ from, mine, username }: MessageRow, tell: (words: string) => void): Entry | undefined {
  const hidden = useHidden();
  const isHidden = useIsHidden(from);
  if (from === undefined || mine) return undefined;
  const name = <bdi translate="no">{username}</bdi>;
  if (isHidden) return { words: <>Show all from {name}</>, icon: icons.show, act: () => hidden.show(from) };
  const hide = () => {
    hidden.hide(from, username);
    tell("Hidden in this browser. You can undo it in the settings.");
  };
  return { words: <>Hide {name}</>, icon: icons.hide, act: hide };
}

/** Writes as by hand, so that the input notices, and can undo it. */
function quote(text: string): void {
  const input = composerInput();
  if (!input) return;
  input.focus();
  const lines = quoted(text, input.value, input.selectionStart);
  if (document.execCommand("insertText", false, lines)) return;
  input.setRangeText(lines, input.selectionStart, input.selectionEnd, "end");
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

const icons = {
  copy: "M6 5.500h7.500v8.500H6zM3.500 10.500h-1v-8.500H10v1.200",
  quote: "M3 12V8.500C3 6 4.200 4.500 6 4M9.500 12V8.500C9.500 6 10.700 4.500 12.500 4M3 9h3v3H3zM9.500 9h3v3h-3z",
  link: "M6.700 9.300a2.700 2.700 0 0 0 3.900 0l2.200-2.200a2.700 2.700 0 0 0-3.900-3.900l-.8.8M9.300 6.700a2.700 2.700 0 0 0-3.900 0L3.200 8.900a2.700 2.700 0 0 0 3.900 3.900l.8-.8",
  hide: "m2.500 2.500 11 11M6.700 4.200C10.500 3.500 13 6 14 8c-.4.700-.9 1.400-1.600 2M9.700 11.800C5.500 12.500 3 10 2 8c.5-1 1.300-2 2.400-2.700",
  show: "M2 8c1-2 3-4 6-4s5 2 6 4c-1 2-3 4-6 4S3 10 2 8zm4.200 0a1.800 1.800 0 1 0 3.600 0 1.800 1.800 0 0 0-3.600 0",
};

function itemsOf(menu: Element): HTMLElement[] {
  return [...menu.querySelectorAll<HTMLElement>("[role=menuitem]")];
}

/** Below the box, or above it if there is no space; within the page. */
function place(menu: HTMLElement, { left, right, top, bottom }: MenuTarget["box"]): void {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = bottom + 4;
  const y = below + height <= window.innerHeight - edgePx ? below : top - 4 - height;
  const x = left + width <= window.innerWidth - edgePx ? left : right - width;
  menu.style.left = `${Math.max(x, edgePx)}px`;
  menu.style.top = `${Math.max(y, edgePx)}px`;
}

/** The keys of a menu: arrows, Home and End, the first letter of an entry; Tab leaves it. */
function moveFocus(event: KeyboardEvent<HTMLElement>, close: () => void): void {
  if (event.key === "Tab") {
    event.preventDefault();
    close();
    return;
  }
  const items = itemsOf(event.currentTarget);
  const at = items.indexOf(document.activeElement as HTMLElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key] ?? lettered(items, at, event.key);
  if (next === undefined) return;
  event.preventDefault();
  items.at(next % items.length)?.focus();
}

function lettered(items: readonly HTMLElement[], at: number, key: string): number | undefined {
  if (key.length !== 1 || key === " ") return undefined;
  const begins = (item: HTMLElement) => item.textContent?.toLowerCase().startsWith(key.toLowerCase());
  const behind = items.findIndex((item, i) => i > at && begins(item));
  const found = behind >= 0 ? behind : items.findIndex(begins);
  return found < 0 ? undefined : found;
}
