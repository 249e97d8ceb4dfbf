"use client";

import { type FormEvent, type KeyboardEvent, type RefObject, useId, useState } from "react";
import { askToNotify, mayNotify } from "@/attention/notifications";
import { type About, abouts } from "@/attention/preferences";
import { playChime } from "@/attention/sound";
import { textSizes, themes } from "@/browser/look";
import { givenName } from "@/people/identity";
import { useIdentity, useLook, useMe, usePreferences, useWishes } from "./context";
import { Dialog } from "./Dialog";
import fields from "./fields.module.css";
import { HiddenPeople } from "./HiddenPeople";
import styles from "./Settings.module.css";
import { givenNameWords, textSizeWords, themeWords, usernameWords } from "./words";

interface Props {
  ref: RefObject<HTMLDialogElement | null>;
  namesake: boolean;
  /** Opens the help sheet, after the settings have closed. */
  openShortcuts: () => void;
}

/** A change of name, and the signals while the page is not seen. */
export function Settings({ ref, namesake, openShortcuts }: Props) {
  const [closings, setClosings] = useState(0);
  const close = () => ref.current?.close();
  const given = givenName(useMe());
  return (
    <Dialog ref={ref} title="Settings" closed={() => setClosings((n) => n + 1)}>
      {/* Closing the dialog drops a text that was not accepted. */}
      {given === undefined ? <Name key={closings} namesake={namesake} done={close} /> : <GivenName name={given} />}
      <Wishes />
      <LookFields />
      <HiddenPeople />
      <footer className={styles.foot}>
        <button
          type="button"
          aria-haspopup="dialog"
          onClick={() => {
            close();
            openShortcuts();
          }}
        >
          Keyboard shortcuts
        </button>
        <p>{`Version ${process.env.NEXT_PUBLIC_VERSION}`}</p>
      </footer>
    </Dialog>
  );
}

function Name({ namesake, done }: { namesake: boolean; done: () => void }) {
  const identity = useIdentity();
  const { username, limits } = useMe();
  const [text, setText] = useState(username ?? "");
  const [problem, setProblem] = useState<string>();
  const noteId = useId();

  function submit(event: FormEvent) {
    event.preventDefault();
    const checked = text.trim() === username ? { ok: true as const } : identity.rename(text);
    if (checked.ok) done();
    else setProblem(usernameWords(checked.problem, limits));
  }

  return (
    <form className={fields.form} onSubmit={submit} noValidate>
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
          enterKeyHint="done"
          onKeyDown={submitByEnter}
          onChange={(event) => {
            setText(event.target.value);
            setProblem(undefined);
          }}
        />
      </label>
      <button type="submit" disabled={text.trim() === username}>
        Change
      </button>
      <p id={noteId} role={problem && "alert"}>
        {problem ?? (namesake && "Somebody else uses this name too. Your own messages are still on the right.")}
      </p>
    </form>
  );
}

/** Enter is done with an unchanged name too; browsers do not submit a form whose button is disabled. */
function submitByEnter(event: KeyboardEvent<HTMLInputElement>): void {
  if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
  event.preventDefault();
  event.currentTarget.form?.requestSubmit();
}

function GivenName({ name }: { name: string }) {
  const noteId = useId();
  return (
    <div className={fields.form}>
      <label>
        <span>Your name</span>
        <input value={name} readOnly dir="auto" aria-describedby={noteId} />
      </label>
      <p id={noteId}>{givenNameWords}</p>
    </div>
  );
}

const aboutWords: Readonly<Record<About, string>> = {
  all: "All messages",
  mentions: "Mentions of me",
  none: "Nothing",
};

function Wishes() {
  const preferences = usePreferences();
  const { about, sound, notify } = useWishes();
  const [blocked, setBlocked] = useState(false);

  async function setNotify(wanted: boolean) {
    const permission = wanted ? await askToNotify() : undefined;
    setBlocked(permission === "denied" || permission === "unsupported");
    preferences.set({ notify: permission === "granted" });
  }

  function setSound(wanted: boolean) {
    preferences.set({ sound: wanted });
    if (wanted) void playChime();
  }

  return (
    <fieldset className={styles.wishes}>
      <legend>When a message arrives while I am elsewhere</legend>
      <label>
        <span>Tell me about</span>
        <select
          value={about}
          onChange={(event) => preferences.set({ about: abouts.find((one) => one === event.target.value) ?? "all" })}
        >
          {abouts.map((one) => (
            <option key={one} value={one}>
              {aboutWords[one]}
            </option>
          ))}
        </select>
      </label>
      <label>
        <input type="checkbox" checked={sound} onChange={(event) => setSound(event.target.checked)} />
        <span>Play a sound</span>
      </label>
      <label>
        <input
          type="checkbox"
          checked={notify && mayNotify()}
          onChange={(event) => void setNotify(event.target.checked)}
        />
        <span>Show a notification</span>
      </label>
      {blocked && <p role="alert">Your browser does not allow notifications from this page.</p>}
    </fieldset>
  );
}

function LookFields() {
  const [{ theme, size }, look] = useLook();
  return (
    <>
      <Choice
        legend="Theme"
        options={themes}
        words={themeWords}
        chosen={theme}
        choose={(to) => look.set({ theme: to })}
      />
      <Choice
        legend="Size of text"
        options={textSizes}
        words={textSizeWords}
        chosen={size}
        choose={(to) => look.set({ size: to })}
      />
    </>
  );
}

interface ChoiceProps<T extends string | number> {
  legend: string;
  options: readonly T[];
  words: Readonly<Record<T, string>>;
  chosen: T;
  choose: (option: T) => void;
}

/** One of a few, side by side. */
function Choice<T extends string | number>({ legend, options, words, chosen, choose }: ChoiceProps<T>) {
  const name = useId();
  return (
    <div className={styles.choice} role="radiogroup" aria-labelledby={name}>
      <p id={name}>{legend}</p>
      <div>
        {options.map((option) => (
          <label key={option}>
            <input type="radio" name={name} checked={option === chosen} onChange={() => choose(option)} />
            <span>{words[option]}</span>
          </label>
        ))}
      </div>
    </div>
  );
}
