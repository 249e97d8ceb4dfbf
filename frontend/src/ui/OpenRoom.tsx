"use client";

import { type FormEvent, useId, useState } from "react";
import { isRoomName } from "@/wire/rooms";
import { useRooms } from "./context";
import styles from "./RoomList.module.css";
import { roomNameRule } from "./words";

/** A form for a room by its name. A room needs no creation. */
export function OpenRoom({ opened }: { opened?: (() => void) | undefined }) {
  const rooms = useRooms();
  const [text, setText] = useState("");
  const [bad, setBad] = useState(false);
  const problemId = useId();

  function submit(event: FormEvent) {
    event.preventDefault();
    const name = text.trim().replace(/^#/, "");
    if (name === "") return;
    setBad(!isRoomName(name));
    if (!isRoomName(name)) return;
    setText("");
    rooms.show(name);
    opened?.();
  }

  return (
    <form className={styles.open} onSubmit={submit} noValidate>
      <div className={styles.field}>
        <input
          value={text}
          placeholder="Open a room…"
          aria-label="Open a room"
          autoComplete="off"
          autoCapitalize="none"
          autoCorrect="off"
          spellCheck={false}
          enterKeyHint="go"
          dir="auto"
          aria-invalid={bad}
          aria-describedby={problemId}
          onChange={(event) => {
            setText(event.target.value);
            setBad(false);
          }}
        />
        <button type="submit" disabled={text.trim() === ""}>
          Open
        </button>
      </div>
      <p id={problemId} role={bad ? "alert" : undefined}>
        {bad && roomNameRule}
      </p>
    </form>
  );
}
