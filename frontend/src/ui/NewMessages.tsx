"use client";

import { useEffect, useState } from "react";
import { later } from "@/timeline/spans";
import { countAfter } from "@/timeline/timeline";
import { useRoomState } from "./context";
import { keepFocus } from "./focus";
import styles from "./MessageList.module.css";

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
  const newest = timeline.entries.at(-1)?.offset;
  const [seen, setSeen] = useState(newest);
  useEffect(() => {
    if (follows) setSeen(newest);
  }, [follows, newest]);
  if (follows) return null;
  // A link may lead away before the history has come.
  const known = inPast && begun ? later(seen ?? begun, begun) : seen;
  const unseen = known ? countAfter(timeline, known) : timeline.entries.length;
  if (near && unseen === 0) return null;
  return (
    <button type="button" className={styles.pill} onClick={keepFocus(follow)}>
      <span>{pillWords(unseen, inPast)}</span>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M8 2.500v10M3.500 8.500 8 13l4.500-4.500" />
      </svg>
    </button>
  );
}

function pillWords(unseen: number, inPast: boolean): string {
  if (unseen === 0) return inPast ? "Jump to the newest" : "Newest";
  const words = `${unseen.toLocaleString("en")} new ${unseen === 1 ? "message" : "messages"}`;
  return inPast ? `Jump to the newest · ${words}` : words;
}
