"use client";

import { type FormEvent, useCallback, useEffect, useId, useRef, useState } from "react";
import { siteName } from "@/browser/sitename";
import { givenName } from "@/people/identity";
import { lobby, type RoomName } from "@/wire/rooms";
import buttons from "./buttons.module.css";
import { useAdmission, useConnection, useIdentity, useMe, useRoomState, useRoomsState } from "./context";
import { takeEarly } from "./early";
import styles from "./NameForm.module.css";
import { bannerWords, givenNameWords, roomRefusedWords, usernameWords } from "./words";

/** The first screen: who are you? */
export function NameForm() {
  const identity = useIdentity();
  const online = useRoomState((state) => state.online);
  const connection = useConnection();
  const admission = useAdmission();
  const me = useMe();
  const given = givenName(me);
  const room = useWantedRoom();
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string>();
  const problemId = useId();

  const enter = useCallback(() => {
    const checked = identity.rename(input.current?.value ?? "");
    if (!checked.ok) setProblem(usernameWords(checked.problem, identity.getMe().limits));
  }, [identity]);

  // The remembered name is known only after hydration. By then the person may have typed and sent one.
  useEffect(() => {
    const { typed, entered } = takeEarly();
    if (!input.current) return;
    if (input.current.value === "") input.current.value = typed || identity.getMe().remembered;
    // An early Enter counts only for the text that was in the input then.
    if (entered && input.current.value === typed) enter();
  }, [identity, enter]);

  function submit(event: FormEvent) {
    event.preventDefault();
    enter();
  }

  return (
    <main className={styles.screen} data-screen="name">
      <form className={styles.card} onSubmit={submit} noValidate>
        <h1 className={styles.title}>{siteName}</h1>
        <Lead />
        <label className={styles.field}>
          <span>Your name</span>
          <input
            key={given}
            ref={input}
            defaultValue={given}
            readOnly={given !== undefined}
            placeholder="anonymous"
            autoComplete="nickname"
            autoCapitalize="words"
            spellCheck={false}
            enterKeyHint="go"
            dir="auto"
            aria-invalid={problem !== undefined}
            aria-describedby={problem === undefined && given === undefined ? undefined : problemId}
            onChange={() => setProblem(undefined)}
          />
        </label>
        <p id={problemId} className={styles.problem} role={given === undefined ? "alert" : undefined}>
          {given === undefined ? problem : givenNameWords}
        </p>
        <button type="submit" className={buttons.primary}>
          Join the room
        </button>
        <p className={styles.online}>
          {bannerWords(connection) ??
            (typeof admission === "object" ? roomRefusedWords(admission.refused, room, me.rooms) : undefined) ??
            (online === null ? "\u00a0" : onlineWords(online))}
        </p>
      </form>
    </main>
  );
}

function useWantedRoom(): RoomName {
  const { wanted } = useRoomsState();
  return "room" in wanted ? wanted.room : lobby;
}

/** The line takes as much space for a room as for all of them: the room is known only after hydration. */
function Lead() {
  const room = useWantedRoom();
  return (
    <p className={styles.lead}>
      {room === lobby ? (
        "Many rooms, everyone welcome."
      ) : (
        <>
          <span>Room </span>
          <bdi translate="no">{room}</bdi>
        </>
      )}
    </p>
  );
}

/** `online` includes our own connection. */
function onlineWords(online: number): string {
  const others = online - 1;
  if (others <= 0) return "Nobody else is here yet.";
  return others === 1 ? "One other person is here." : `${others.toLocaleString("en")} others are here.`;
}
