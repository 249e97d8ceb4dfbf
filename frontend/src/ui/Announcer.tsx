"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import type { Outbox } from "@/outbox/outbox";
import { isMine } from "@/people/identity";
import { shortened } from "@/text/shortened";
import type { PlacedMessage } from "@/wire/contract";
import { useIdentity, useRoomState, useStore } from "./context";
import { failureWords } from "./words";

const kept = 6;
/** More than this at once are counted, not read out. */
const readOut = 3;
/** What comes within this time comes at once: reading takes longer than writing where many write. */
const collectMs = 1500;
/** Where it goes on like that, a count is told this often, and once more when it ends. */
const floodMs = 10_000;

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
    const collector = new Collector(tell);
    const stop = store.onNews((news) => collector.add(news.filter((message) => !isMine(identity.getMe(), message))));
    return () => {
      stop();
      collector.stop();
    };
  }, [store, identity, tell]);
}

/** Waits until there is something to tell in one go. */
class Collector {
  readonly #tell: Tell;
  #waiting: PlacedMessage[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  #flooded = false;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  add(others: readonly PlacedMessage[]): void {
    if (others.length === 0) return;
    this.#waiting.push(...others);
    this.#timer ??= setTimeout(this.#end, collectMs);
    if (!this.#flooded) return;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(this.#end, collectMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#quiet);
  }

  #end = (): void => {
    this.stop();
    const { length } = this.#waiting;
    if (length > 0) this.#tell(announcement(this.#waiting));
    this.#waiting = [];
    this.#flooded = length > readOut;
    this.#timer = this.#flooded ? setTimeout(this.#end, floodMs) : undefined;
  };
}

/** Whoever wrote has an empty input before them, and does not see what became of it. */
function useFailures(tell: Tell): void {
  const outbox = useRoomState((state) => state.outbox);
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
