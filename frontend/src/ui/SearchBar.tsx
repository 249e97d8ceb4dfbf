"use client";

import {
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { type Block, type MessageRow, messageRow } from "@/room/rows";
import { isFolded, Searcher } from "@/room/searching";
import { useHidden, useLive, useRoomState, useStore } from "./context";
import { composerInput } from "./focus";
import { endHighlight, firstMatch, highlight } from "./highlights";
import type { Opened } from "./opened";
import styles from "./SearchBar.module.css";
import { dayName } from "./times";

/** Whoever types goes on typing for so long. */
const typeMs = 120;
/** The matches of a list that changes are up to date within this time. */
const againMs = 300;
const mostChars = 200;

interface Props {
  list: RefObject<HTMLElement | null>;
  blocks: readonly Block[];
  /** Changes with the rows that are mounted. */
  mounted: unknown;
  /** Brings a message into the middle of the view, or a part of it. */
  bring(key: string, part: (row: HTMLElement) => Range | undefined): void;
  /** The long messages that are shown in full. */
  opened: Opened;
  closed(): void;
  /** Changes when the shortcut was pressed again. */
  asked: number;
}

/** Finds text in the messages that are loaded: the search of the browser sees only the rows that are mounted. */
export function SearchBar({ list, blocks, mounted, bring, opened, closed, asked }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const { keys, current, step, searches } = useMatches(blocks, text, (key, sought) => {
    const row = messageRow(blocks, key);
    if (row && isFolded(row, sought)) opened.set(key, true);
    bring(key, (mounted) => firstMatch(mounted, sought));
  });
  useLayoutEffect(() => {
    if (asked > 0) input.current?.select();
  }, [asked]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows come and go
  useEffect(() => {
    if (list.current) highlight(list.current, text, current);
  }, [list, text, current, mounted]);
  useEffect(() => endHighlight, []);
  const close = () => {
    closed();
    (composerInput() ?? list.current)?.focus({ preventScroll: true });
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") close();
    if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    step(event.shiftKey ? 1 : -1);
  };
  const none = keys.length === 0;
  return (
    <search className={styles.bar} onKeyDown={pressed}>
      <div className={styles.line}>
        <input
          ref={input}
          type="search"
          value={text}
          maxLength={mostChars}
          placeholder="Search this room"
          aria-label="Search this room"
          autoComplete="off"
          dir="auto"
          enterKeyHint="search"
          onChange={(event) => setText(event.target.value)}
        />
        <p aria-live="polite" className={styles.count}>
          {countWords(text, keys, current, searches)}
        </p>
        <Button label="Older match" path="m3.500 10 4.500-4.500 4.500 4.500" disabled={none} act={() => step(-1)} />
        <Button label="Newer match" path="m3.500 6 4.500 4.500L12.500 6" disabled={none} act={() => step(1)} />
        <Button label="Close the search" path="m4 4 8 8m0-8-8 8" act={close} />
      </div>
      <Extent />
    </search>
  );
}

interface ButtonProps {
  label: string;
  path: string;
  disabled?: boolean;
  act(): void;
}

function Button({ label, path, disabled = false, act }: ButtonProps) {
  return (
    <button type="button" aria-label={label} title={label} disabled={disabled} onClick={act}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={path} />
      </svg>
    </button>
  );
}

function countWords(text: string, keys: readonly string[], current: string | undefined, searches: boolean): string {
  if (text === "" || searches) return "";
  if (keys.length === 0) return "No match";
  const at = current === undefined ? -1 : keys.indexOf(current);
  return at < 0 ? `${keys.length}` : `${keys.length - at} of ${keys.length}`;
}

/** Says what is searched, and loads more. */
function Extent() {
  const store = useStore();
  const live = useLive();
  const older = useRoomState((state) => state.older);
  const more = useRoomState((state) => (state.past ?? state.timeline).more);
  const oldest = useRoomState((state) => (state.past ?? state.timeline).entries[0]?.at);
  if (!more || oldest === undefined) return <p className={styles.extent}>All messages of this room are searched.</p>;
  return (
    <p className={styles.extent}>
      <span>{`Only loaded messages are searched. The oldest: ${dayName(oldest, Date.now())}. `}</span>
      <button type="button" disabled={!live || older === "loading"} onClick={() => void store.reader.loadOlder()}>
        {older === "loading" ? "Loading…" : older === "failed" ? "Try again" : "Load older"}
      </button>
    </p>
  );
}

interface Found {
  readonly text: string;
  readonly keys: readonly string[];
  /** The list in which they were found. */
  readonly blocks: readonly Block[];
}

/** The messages that match, from top to bottom, and the one that is shown: the newest at first. */
function useMatches(blocks: readonly Block[], text: string, goTo: (key: string, text: string) => void) {
  const found = useFound(blocks, text);
  const go = useEffectEvent(goTo);
  const { keys } = found;
  const [shown, setShown] = useState<{ text: string; key: string | undefined }>({ text: "", key: undefined });
  // A new text begins where the reader is, or at its newest match; new messages do not move the reader.
  useEffect(() => {
    if (found.text === shown.text) return;
    const key = keys.find((other) => other === shown.key) ?? keys.at(-1);
    setShown({ text: found.text, key });
    if (key !== undefined) go(key, found.text);
  }, [found, keys, shown]);
  const step = (by: 1 | -1) => {
    if (keys.length === 0) return;
    const at = shown.key === undefined ? 0 : keys.indexOf(shown.key);
    const key = keys.at((at + by) % keys.length);
    setShown({ text: found.text, key });
    if (key !== undefined) goTo(key, found.text);
  };
  return { keys, current: shown.key, step, searches: found.text !== text };
}

/** Searches for each text, and again when the list has changed, which it may do all the time. */
function useFound(blocks: readonly Block[], text: string): Found {
  const hidden = useHidden();
  const [searcher] = useState(() => new Searcher());
  const [found, setFound] = useState<Found>({ text: "", keys: [], blocks });
  const newest = useRef(blocks);
  useEffect(() => {
    newest.current = blocks;
  }, [blocks]);
  const isNew = found.text !== text;
  const isOutdated = isNew || found.blocks !== blocks;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list may change again after each search
  useEffect(() => {
    if (!isOutdated) return;
    const stop = new AbortController();
    const isHidden = ({ mine, from }: MessageRow) => !mine && hidden.has(from);
    const search = async () => {
      const searched = newest.current;
      const keys = text === "" ? [] : await searcher.find(searched, text, stop.signal, isHidden);
      if (keys) setFound({ text, keys, blocks: searched });
    };
    const timer = setTimeout(search, isNew ? typeMs : againMs);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [searcher, hidden, text, isNew, isOutdated, found]);
  return found;
}
