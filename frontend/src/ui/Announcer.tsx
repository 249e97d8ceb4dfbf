"use client";

import { useEffect, useState } from "react";
import { isMine } from "@/chat/identity";
import { shortened } from "@/chat/news";
import type { PlacedMessage } from "@/wire/contract";
import { useIdentity, useStore } from "./context";

const kept = 6;
/** More than this at once are counted, not read out. */
const readOut = 3;

interface Line {
  key: string;
  text: string;
}

/**
 * What a screen reader tells of new messages. The list itself cannot do that: its rows come and go while one scrolls,
 * and each would be read again.
 */
export function Announcer() {
  const store = useStore();
  const identity = useIdentity();
  const [lines, setLines] = useState<readonly Line[]>([]);
  useEffect(
    () =>
      store.onNews((news) => {
        const others = news.filter((message) => !isMine(identity.getMe(), message));
        if (others.length > 0) setLines((before) => [...before, ...announcement(others)].slice(-kept));
      }),
    [store, identity],
  );
  return (
    <div className="hidden" role="log" aria-live="polite" aria-label="New messages">
      {lines.map((line) => (
        <p key={line.key}>{line.text}</p>
      ))}
    </div>
  );
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
