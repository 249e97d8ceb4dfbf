"use client";

import { useEffect, useRef, useState } from "react";
import { isMine } from "@/chat/identity";
import { shortened } from "@/chat/news";
import type { Outbox } from "@/chat/outbox";
import type { PlacedMessage } from "@/wire/contract";
import { useChatState, useIdentity, useStore } from "./context";
import { failureWords } from "./words";

const kept = 6;
/** More than this at once are counted, not read out. */
const readOut = 3;
/** What comes within this time comes at once: reading takes longer than writing where many write. */
const collectMs = 1500;

interface Line {
  key: string;
  text: string;
}

/**
 * What a screen reader tells: new messages, and own ones that were not sent. The list itself cannot do that: its rows
 * come and go while one scrolls, and each would be read again.
 */
export function Announcer() {
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [tell] = useState(() => (more: readonly Line[]) => setLines((before) => [...before, ...more].slice(-kept)));
  useNews(tell);
  useFailures(tell);
  return (
    <div className="hidden" role="log" aria-live="polite" aria-label="New messages">
      {lines.map((line) => (
        <p key={line.key}>{line.text}</p>
      ))}
    </div>
  );
}

function useNews(tell: (lines: readonly Line[]) => void): void {
  const store = useStore();
  const identity = useIdentity();
  useEffect(() => {
    let waiting: PlacedMessage[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = store.onNews((news) => {
      waiting.push(...news.filter((message) => !isMine(identity.getMe(), message)));
      if (waiting.length === 0) return;
      timer ??= setTimeout(() => {
        tell(announcement(waiting));
        [waiting, timer] = [[], undefined];
      }, collectMs);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [store, identity, tell]);
}

/** Whoever wrote has an empty input before them, and does not see what became of it. */
function useFailures(tell: (lines: readonly Line[]) => void): void {
  const outbox = useChatState((state) => state.outbox);
  const before = useRef(outbox);
  useEffect(() => {
    const lines = newFailures(before.current, outbox);
    before.current = outbox;
    if (lines.length > 0) tell(lines);
  }, [outbox, tell]);
}

export function newFailures(before: Outbox, after: Outbox): Line[] {
  const old = new Map(before.map((item) => [item.id, item.delivery]));
  return after.flatMap(({ id, text, delivery }) => {
    if (delivery.kind !== "failed" || old.get(id) === delivery) return [];
    return [{ key: `${id}:${Date.now()}`, text: `Not sent: ${shortened(text, 80)}. ${failureWords(delivery.why)}` }];
  });
}

export function announcement(others: readonly PlacedMessage[]): Line[] {
  const last = others.at(-1);
  if (last === undefined) return [];
  if (others.length > readOut) return [{ key: last.offset, text: `${others.length} new messages` }];
  return others.map(({ username, message, offset }) => ({
    key: offset,
    text: `${username}: ${shortened(message, 300)}`,
  }));
}
