"use client";

import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { useRooms } from "./context";
import { Dialog } from "./Dialog";
import { dateOf, dayOf } from "./days";
import fields from "./fields.module.css";

interface Props {
  /** A moment of the day that is offered. */
  at: number;
  closed(): void;
}

/** Asks for a day, and shows what was said then. */
export function DateDialog({ at, closed }: Props) {
  const rooms = useRooms();
  const ref = useRef<HTMLDialogElement>(null);
  const [date, setDate] = useState(dateOf(at));
  const [bad, setBad] = useState(false);
  const noteId = useId();
  useEffect(() => {
    const { current } = ref;
    current?.showModal();
    return () => current?.close();
  }, []);

  function submit(event: FormEvent) {
    event.preventDefault();
    const day = dayOf(date);
    setBad(day === undefined);
    if (!day) return;
    ref.current?.close();
    rooms.showDay(day.begin, day.end);
  }

  return (
    <Dialog ref={ref} title="Go to a day" closed={closed}>
      <form className={fields.form} onSubmit={submit} noValidate>
        <label>
          <span>Day</span>
          <input
            type="date"
            value={date}
            max={dateOf(Date.now())}
            aria-invalid={bad}
            aria-describedby={noteId}
            onChange={(event) => {
              setDate(event.target.value);
              setBad(false);
            }}
          />
        </label>
        <button type="submit">Go</button>
        <p id={noteId} role={bad ? "alert" : undefined}>
          {bad && "Choose a day first."}
        </p>
      </form>
    </Dialog>
  );
}
