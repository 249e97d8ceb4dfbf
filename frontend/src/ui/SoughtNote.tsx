"use client";

import type { Sought } from "@/room/state";
import { useRoomState, useRooms, useStore } from "./context";
import { keepFocus } from "./focus";
import styles from "./MessageList.module.css";

/** Says what became of the message that a link leads to, unless it is shown. */
export function SoughtNote() {
  const store = useStore();
  const rooms = useRooms();
  const sought = useRoomState((state) => state.sought);
  const words = sought && soughtWords(sought);
  return (
    <div aria-live="polite">
      {sought && words && (
        <div className={styles.note}>
          <p>{words}</p>
          {sought.state === "failed" && (
            <button type="button" onClick={keepFocus(() => store.reader.retry())}>
              Try again
            </button>
          )}
          {sought.state !== "loading" && (
            <button
              type="button"
              aria-label="Close this note"
              onClick={keepFocus(() => (sought.state === "shown" ? store.reader.dismiss() : rooms.showEnd()))}
            >
              <svg viewBox="0 0 16 16" aria-hidden="true">
                <path d="m4 4 8 8m0-8-8 8" />
              </svg>
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function soughtWords({ aim, state, off }: Sought): string | undefined {
  if (state === "shown" || off === "kept") return off && offWords[off];
  if (!aim) return linkWords[state];
  return aim === "news" ? newsWords[state] : dayWords[state];
}

type Unshown = Exclude<Sought["state"], "shown">;
type Words = Readonly<Record<Unshown, string>>;

const linkWords: Words = {
  loading: "Looking for the message…",
  failed: "The message could not be loaded.",
  missing: "There is no such message in this room. The link may be of another room. These are the newest messages.",
  invalid: "This link leads to no message. These are the newest messages.",
};

const dayWords: Words = {
  ...linkWords,
  loading: "Looking for that day…",
  failed: "That day could not be loaded.",
  missing: "Nothing was said that late. These are the newest messages.",
};

const newsWords: Words = {
  ...linkWords,
  loading: "Looking for the place where you left…",
  failed: "The place where you left could not be loaded.",
  missing: "Nothing is new since you left.",
};

const offWords = {
  kept: "This link is older than all that this room keeps. These are the newest messages.",
  later: "Nothing was said on that day. This came next.",
  begins: "The room had not begun by then, or what was said is no longer kept. This is the oldest message.",
} as const;
