"use client";

import { useEffect, useState } from "react";
import { later } from "@/timeline/spans";
import { countAfter } from "@/timeline/timeline";
import type { Offset } from "@/wire/contract";
import { firstPlace } from "@/wire/offset";
import { useHidden, useHiddenPeople, useRoomState, useStore } from "./context";
import { keepFocus } from "./focus";
import styles from "./MessageList.module.css";
import { useMentions } from "./unread";
import type { MountedRow } from "./virtualrows";

interface Props {
  follows: boolean;
  near: boolean;
  follow(): void;
}

/** The pill that leads to the end, and counts what is new there, while the reader is further up. */
export function NewMessages({ follows, near, follow }: Props) {
  const timeline = useRoomState((state) => state.timeline);
  const inPast = useRoomState((state) => state.past !== null);
  const begun = useRoomState((state) => state.begun);
  const room = useStore();
  const hidden = useHidden();
  useHiddenPeople(); // they may change
  const newest = timeline.entries.at(-1)?.offset;
  const [seen, setSeen] = useState(newest);
  useEffect(() => {
    if (follows) setSeen(newest);
  }, [follows, newest]);
  // A link may lead away before the history has come.
  const known = inPast && begun ? later(seen ?? begun, begun) : seen;
  const mentions = useMentions(room, known);
  if (follows) return null;
  const unseen = countAfter(timeline, known ?? firstPlace, ({ from }) => !hidden.has(from));
  if (near && unseen === 0) return null;
  return (
    <button type="button" className={styles.pill} onClick={keepFocus(follow)}>
      <span>{pillWords(unseen, mentions, inPast)}</span>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M8 2.500v10M3.500 8.500 8 13l4.500-4.500" />
      </svg>
    </button>
  );
}

interface NewsProps {
  /** The last place that the reader knew when they came to unread messages. */
  known: Offset | null;
  mounted: readonly MountedRow[];
  view: { top: number; height: number };
}

/** The pill that leads up to the first new message, until the reader has been there or has begun to write. */
export function NewSinceLeft({ known, mounted, view }: NewsProps) {
  const store = useStore();
  const written = useRoomState((state) => state.written);
  const sought = useRoomState((state) => state.sought);
  const [met, setMet] = useState({ known: null as Offset | null, written });
  const isInView = ({ row, start }: MountedRow) =>
    row.kind === "news" && start >= view.top && start < view.top + view.height;
  const meets = mounted.some(isInView) || sought !== null || written !== met.written;
  useEffect(() => {
    if (meets) setMet({ known, written });
  }, [meets, known, written]);
  if (known === null || known === met.known || meets) return null;
  return (
    <button
      type="button"
      className={`${styles.pill} ${styles.newsPill}`}
      onClick={keepFocus(() => store.reader.seekNews(known))}
    >
      <span>New since you left</span>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M8 2.500v10M3.500 8.500 8 13l4.500-4.500" />
      </svg>
    </button>
  );
}

function pillWords(unseen: number, mentions: number, inPast: boolean): string {
  if (unseen === 0) return inPast ? "Jump to the newest" : "Newest";
  const words = `${unseen.toLocaleString("en")} new ${unseen === 1 ? "message" : "messages"}${mentions > 0 ? ", you are mentioned" : ""}`;
  return inPast ? `Jump to the newest · ${words}` : words;
}
