"use client";

import { type FormEvent, type RefObject, useId, useState } from "react";
import { askToNotify } from "@/chat/attend";
import { playChime } from "@/chat/sound";
import { useIdentity, usePreferences, useWishes } from "./context";
import styles from "./Settings.module.css";
import { usernameWords } from "./words";

interface Props {
  ref: RefObject<HTMLDialogElement | null>;
  username: string;
  namesake: boolean;
}

/** Another name, and what may be heard when the page is not seen. */
export function Settings({ ref, username, namesake }: Props) {
  const titleId = useId();
  const close = () => ref.current?.close();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it already
    <dialog
      ref={ref}
      className={styles.dialog}
      aria-labelledby={titleId}
      onClick={(event) => event.target === event.currentTarget && close()}
    >
      <div className={styles.body}>
        <h2 id={titleId}>Settings</h2>
        <Name key={username} username={username} namesake={namesake} done={close} />
        <Wishes />
        <button type="button" className={styles.done} onClick={close}>
          Close
        </button>
      </div>
    </dialog>
  );
}

function Name({ username, namesake, done }: { username: string; namesake: boolean; done: () => void }) {
  const identity = useIdentity();
  const [text, setText] = useState(username);
  const [problem, setProblem] = useState<string>();
  const noteId = useId();

  function submit(event: FormEvent) {
    event.preventDefault();
    const checked = identity.rename(text);
    if (checked.ok) done();
    else setProblem(usernameWords(checked.problem));
  }

  return (
    <form className={styles.name} onSubmit={submit} noValidate>
      <label>
        <span>Your name</span>
        <input
          value={text}
          placeholder="anonymous"
          autoComplete="nickname"
          spellCheck={false}
          dir="auto"
          aria-invalid={problem !== undefined}
          aria-describedby={noteId}
          onChange={(event) => {
            setText(event.target.value);
            setProblem(undefined);
          }}
        />
      </label>
      <button type="submit" disabled={text.trim() === username}>
        Change
      </button>
      <p id={noteId} data-bad={problem !== undefined || undefined} role={problem && "alert"}>
        {problem ?? (namesake && "Somebody else uses this name, too. Your own messages are still on the right.")}
      </p>
    </form>
  );
}

function Wishes() {
  const preferences = usePreferences();
  const { sound, notify } = useWishes();
  const [blocked, setBlocked] = useState(false);

  async function setNotify(wanted: boolean) {
    const granted = wanted && (await askToNotify()) === "granted";
    setBlocked(wanted && !granted);
    preferences.set({ notify: granted });
  }

  function setSound(wanted: boolean) {
    preferences.set({ sound: wanted });
    if (wanted) playChime();
  }

  return (
    <fieldset className={styles.wishes}>
      <legend>When a message comes while I look elsewhere</legend>
      <label>
        <input type="checkbox" checked={sound} onChange={(event) => setSound(event.target.checked)} />
        Play a sound
      </label>
      <label>
        <input type="checkbox" checked={notify} onChange={(event) => void setNotify(event.target.checked)} />
        Show a notification
      </label>
      {blocked && <p role="alert">Your browser does not allow notifications from this page.</p>}
    </fieldset>
  );
}
