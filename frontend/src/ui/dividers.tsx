"use client";

import type { Gap } from "@/timeline/timeline";
import { useCalendar } from "./calendar";
import { useLive, useMayWrite, useRoomState, useStore } from "./context";
import styles from "./dividers.module.css";
import { keepFocus } from "./focus";
import { dayName, exactTime } from "./times";

export function DayView({ at }: { at: number }) {
  const { today } = useCalendar();
  return (
    <p className={styles.day}>
      <button type="button" data-day={at} aria-haspopup="dialog" title="Go to a day">
        <time dateTime={new Date(at).toISOString()} title={exactTime(at)}>
          {dayName(at, today)}
        </time>
      </button>
    </p>
  );
}

export function NewsView() {
  return <p className={styles.news}>New messages since you left</p>;
}

/** The row above the first message. */
export function TopView({ more }: { more: boolean }) {
  const store = useStore();
  const older = useRoomState((state) => state.older);
  const empty = useRoomState((state) => (state.past ?? state.timeline).entries.length + state.outbox.length === 0);
  const joined = useRoomState((state) => state.timeline.live !== null);
  const live = useLive();
  if (!joined) return <p className={styles.note}>&nbsp;</p>;
  if (!more) {
    return empty ? <Empty /> : <p className={styles.note}>This is where the chat begins.</p>;
  }
  if (!live) return <p className={styles.note}>Earlier messages will load when you are connected.</p>;
  if (older !== "failed") return <p className={styles.note}>Loading earlier messages…</p>;
  return (
    <p className={styles.note}>
      <span>Earlier messages could not be loaded. </span>
      <button type="button" onClick={keepFocus(() => void store.reader.loadOlder())}>
        Try again
      </button>
    </p>
  );
}

/** The row below the last message that is loaded, while there are newer ones. */
export function BottomView() {
  const store = useStore();
  const newer = useRoomState((state) => state.newer);
  const live = useLive();
  if (!live) return <p className={styles.note}>Later messages will load when you are connected.</p>;
  if (newer !== "failed") return <p className={styles.note}>Loading later messages…</p>;
  return (
    <p className={styles.note}>
      <span>Later messages could not be loaded. </span>
      <button type="button" onClick={keepFocus(() => void store.reader.loadNewer())}>
        Try again
      </button>
    </p>
  );
}

function Empty() {
  const mayWrite = useMayWrite();
  return (
    <div className={styles.empty}>
      <p className={styles.wave} aria-hidden="true">
        👋
      </p>
      <p>It is quiet here.</p>
      {mayWrite && <p>Say hello, and everyone will see it.</p>}
    </div>
  );
}

export function GapView({ gap }: { gap: Gap }) {
  const store = useStore();
  return (
    <div className={styles.gap}>
      <p>{gapWords(gap)}</p>
      {gap.state !== "lost" && (
        <button
          type="button"
          aria-disabled={gap.state === "loading"}
          onClick={keepFocus(() => void store.reader.fillGap(gap.after))}
        >
          {gap.state === "loading" ? "Loading…" : "Load missed"}
        </button>
      )}
    </div>
  );
}

function gapWords(gap: Gap): string {
  switch (gap.state) {
    case "open":
    case "loading":
      return "You were away. Messages may be missing here.";
    case "failed":
      return "The missing messages could not be loaded.";
    case "lost":
      return "Messages may be missing here. The server no longer keeps them.";
  }
}
