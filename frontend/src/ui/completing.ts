import { type KeyboardEvent, type RefObject, useContext, useEffect, useId, useMemo, useState } from "react";
import type { Named } from "@/people/typists";
import { completions, type Query, queryAt } from "@/text/completion";
import type { Entry } from "@/timeline/entries";
import type { Person } from "@/wire/contract";
import { anonymous } from "@/wire/limits";
import { useHidden, useMe, useRoomState, useStore } from "./context";
import { Mentionable } from "./Mentionable";
import { isPressed } from "./shortcuts";

const mostShown = 8;
/** So many of the last messages tell who spoke lately. */
const recent = 300;

/** The list of names while one is being written, and what keys do with it. */
export interface Completion {
  readonly listId: string;
  readonly candidates: readonly Named[];
  readonly active: number;
  choose(candidate: Named): void;
  /** Call it when the text or the caret has changed. */
  follow(): void;
  /** Call it when the text was sent, or the input left. */
  reset(): void;
  /** Returns whether the list took the key. */
  keyDown(event: KeyboardEvent): boolean;
}

/** Completes names behind an @ in an input. `write` is told the new text. */
export function useCompletion(input: RefObject<HTMLTextAreaElement | null>, write: (text: string) => void): Completion {
  const listId = useId();
  const [query, setQuery] = useState<Query>();
  const [active, setActive] = useState(0);
  /** The place of an @ whose list was closed. */
  const [closed, setClosed] = useState<number>();
  const candidates = useCandidates(query?.words);

  function follow() {
    const { value = "", selectionStart = 0, selectionEnd = 0 } = input.current ?? {};
    const found = selectionStart === selectionEnd ? queryAt(value, selectionStart) : undefined;
    if (closed !== undefined && value[closed] !== "@") setClosed(undefined);
    const next = found?.at === closed ? undefined : found;
    if (next?.at === query?.at && next?.words === query?.words) return;
    setQuery(next);
    setActive(0);
  }

  function close() {
    setClosed(query?.at);
    setQuery(undefined);
  }

  function reset() {
    setClosed(undefined);
    setQuery(undefined);
  }

  function choose({ name }: Named) {
    const { current } = input;
    if (!current || !query) return;
    const end = query.at + 1 + query.words.length;
    const gap = current.value[end] === " " ? 1 : 0;
    current.setSelectionRange(query.at, end + gap);
    close();
    // So that the browser can undo it.
    if (document.execCommand?.("insertText", false, `@${name} `)) return;
    current.setRangeText(`@${name} `, query.at, end + gap, "end");
    write(current.value);
  }

  function keyDown(event: KeyboardEvent): boolean {
    if (candidates.length === 0 || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return false;
    const chosen = candidates[active];
    const completes = event.key === "Enter" || isPressed("complete", event);
    if (event.key === "ArrowDown") setActive((active + 1) % candidates.length);
    else if (event.key === "ArrowUp") setActive((active + candidates.length - 1) % candidates.length);
    else if (event.key === "Escape") close();
    else if (completes && chosen) choose(chosen);
    else return false;
    return true;
  }

  return { listId, candidates, active: Math.min(active, candidates.length - 1), choose, follow, reset, keyDown };
}

const nobody: readonly Named[] = [];

/**
 * Those who are here, then those who spoke lately, then other authors; without oneself and those who are hidden. Asks who is
 * here while a name is being written.
 */
function useCandidates(words: string | undefined): readonly Named[] {
  const { attendance } = useStore();
  const { username } = useMe();
  const isOpen = words !== undefined;
  useEffect(() => (isOpen ? attendance.watch() : undefined), [attendance, isOpen]);
  const people = useRoomState((state) => (isOpen ? state.present.people : noPeople));
  const entries = useRoomState((state) => (isOpen ? state.timeline.entries : noEntries));
  const { authors } = useContext(Mentionable);
  const hidden = useHidden();
  return useMemo(() => {
    if (words === undefined) return nobody;
    const lately = entries.slice(-recent).toReversed();
    const all: Named[] = [
      ...people,
      ...lately.map(({ from, username: name, verified }) => ({ id: from, name, verified })),
      ...authors,
    ];
    const byName = new Map<string, Named>();
    for (const person of all) if (!byName.has(person.name) && !hidden.has(person.id)) byName.set(person.name, person);
    const named = [...byName.values()].filter(({ name }) => name !== username && name !== anonymous);
    return completions(words, named, mostShown);
  }, [words, people, entries, authors, hidden, username]);
}

const noPeople: readonly Person[] = [];
const noEntries: readonly Entry[] = [];
