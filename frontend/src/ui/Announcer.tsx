"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import type { Outbox } from "@/outbox/outbox";
import { isMine } from "@/people/identity";
import { mentioning } from "@/room/mentioned";
import { plainText } from "@/text/plain";
import { shortened } from "@/text/shortened";
import type { PlacedMessage } from "@/wire/contract";
import { useIdentity, useRoomState, useStore } from "./context";
import { failureWords } from "./words";

const kept = 6;
/** More messages than this at once are counted, not read out. */
const readOut = 3;
/** Messages within this time are announced together: in a busy room, reading out takes longer than writing. */
const collectMs = 1500;
/** During a flood a count is announced this often, and once more at its end. */
const floodMs = 10_000;

interface Line {
  key: number;
  text: string;
}

type Announce = (texts: readonly string[]) => void;

/**
 * Announcer makes screen readers announce new messages and own messages that failed. The list itself cannot do that:
 * its rows come and go while the reader scrolls, and each would be read again.
 */
export function Announcer() {
  const [lines, setLines] = useState<readonly Line[]>([]);
  const announced = useRef(0);
  const announce = useCallback<Announce>((texts) => {
    const more = texts.map((text) => ({ key: announced.current++, text }));
    setLines((before) => [...before, ...more].slice(-kept));
  }, []);
  useNews(announce);
  useFailures(announce);
  return (
    <div className="hidden" role="log" aria-live="polite" aria-label="New messages">
      {lines.map((line) => (
        <p key={line.key}>{line.text}</p>
      ))}
    </div>
  );
}

function useNews(announce: Announce): void {
  const store = useStore();
  const identity = useIdentity();
  useEffect(() => {
    const collector = new Collector((others) => {
      const { username } = identity.getMe();
      announce(announcement(others, username === null ? undefined : mentioning(store.getState(), username)));
    });
    const stop = store.onNews((news) => collector.add(news.filter((message) => !isMine(identity.getMe(), message))));
    return () => {
      stop();
      collector.stop();
    };
  }, [store, identity, announce]);
}

/** Collector gathers messages and announces them together. */
class Collector {
  readonly #announce: (others: readonly PlacedMessage[]) => void;
  #waiting: PlacedMessage[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  #flooded = false;

  constructor(announce: (others: readonly PlacedMessage[]) => void) {
    this.#announce = announce;
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
    if (length > 0) this.#announce(this.#waiting);
    this.#waiting = [];
    this.#flooded = length > readOut;
    this.#timer = this.#flooded ? setTimeout(this.#end, floodMs) : undefined;
  };
}

/** Announces failures: the input is empty by then, so nothing else shows them to a screen reader. */
function useFailures(announce: Announce): void {
  const outbox = useRoomState((state) => state.outbox);
  const before = useRef(outbox);
  useEffect(() => {
    const failures = newFailures(before.current, outbox);
    before.current = outbox;
    if (failures.length > 0) announce(failures);
  }, [outbox, announce]);
}

function newFailures(before: Outbox, after: Outbox): string[] {
  const old = new Map(before.map((item) => [item.id, item.delivery]));
  return after.flatMap(({ id, text, delivery }) => {
    if (delivery.kind !== "failed" || old.get(id) === delivery) return [];
    return [`Not sent: ${shortened(plainText(text), 80)}. ${failureWords(delivery.why)}`];
  });
}

/** What is read out. A mention is said first: of many messages, none is read. */
export function announcement(
  others: readonly PlacedMessage[],
  mentionsMe: (message: PlacedMessage) => boolean = () => false,
): string[] {
  if (others.length > readOut) {
    const mention = others.findLast(mentionsMe);
    const count = `${others.length} new messages`;
    return [mention ? `${count}. ${mention.username} mentions you.` : count];
  }
  return others.map((other) => {
    const says = mentionsMe(other) ? `${other.username} mentions you` : other.username;
    return `${says}: ${shortened(plainText(other.message), 300)}`;
  });
}
