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
    <div aria-live="polite" className={styles.noteFrame}>
      {sought && words && (
        <div className={styles.note}>
          <p>{words}</p>
          {sought.state === "failed" && (
            <button type="button" onClick={keepFocus(() => store.reader.seek(sought.offset))}>
              Try again
            </button>
          )}
          {sought.state !== "loading" && (
            <button type="button" aria-label="Close this note" onClick={keepFocus(() => rooms.showEnd())}>
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

function soughtWords({ state }: Sought): string | undefined {
  switch (state) {
    case "loading":
      return "Looking for the message…";
    case "failed":
      return "The message could not be loaded.";
    case "missing":
      return "The message of this link is not in this room, or no longer kept. These are the newest ones.";
    case "invalid":
      return "This link leads to no message. These are the newest ones.";
    case "shown":
      return undefined;
  }
}
