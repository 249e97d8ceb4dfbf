"use client";

import { useCallback, useEffect, useRef, useState } from "react";
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
  key: number;
  text: string;
}

type Tell = (texts: readonly string[]) => void;

/**
 * What a screen reader tells: new messages, and own ones that were not sent. The list itself cannot do that: its rows
 * come and go while one scrolls, and each would be read again.
 */
export function Announcer() {
  const [lines, setLines] = useState<readonly Line[]>([]);
  const told = useRef(0);
  const tell = useCallback<Tell>((texts) => {
    const more = texts.map((text) => ({ key: told.current++, text }));
    setLines((before) => [...before, ...more].slice(-kept));
  }, []);
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

function useNews(tell: Tell): void {
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
function useFailures(tell: Tell): void {
  const outbox = useChatState((state) => state.outbox);
  const before = useRef(outbox);
  useEffect(() => {
    const failures = newFailures(before.current, outbox);
    before.current = outbox;
    if (failures.length > 0) tell(failures);
  }, [outbox, tell]);
}

function newFailures(before: Outbox, after: Outbox): string[] {
  const old = new Map(before.map((item) => [item.id, item.delivery]));
  return after.flatMap(({ id, text, delivery }) => {
    if (delivery.kind !== "failed" || old.get(id) === delivery) return [];
    return [`Not sent: ${shortened(text, 80)}. ${failureWords(delivery.why)}`];
  });
}

export function announcement(others: readonly PlacedMessage[]): string[] {
  if (others.length > readOut) return [`${others.length} new messages`];
  return others.map(({ username, message }) => `${username}: ${shortened(message, 300)}`);
}
