"use client";

import { type RefObject, useEffect, useMemo, useRef } from "react";
import type { Connection } from "@/connection/connection";
import { isMine } from "@/people/identity";
import { initialOf } from "@/people/signs";
import { unreadWords } from "@/room/lastread";
import type { Admission } from "@/room/state";
import { lobby } from "@/wire/rooms";
import { useAdmission, useConnection, useLive, useMe, useRoomState, useStore } from "./context";
import styles from "./Header.module.css";
import { useTouch } from "./media";
import { Settings } from "./Settings";
import { ShortcutSheet } from "./ShortcutSheet";
import { useShortcut } from "./shortcuts";
import { useUnreadElsewhere } from "./unread";
import { badgeWords, roomWords } from "./words";

/** Namesakes are looked for in so many of the last messages. */
const recent = 300;

interface Props {
  username: string;
  /** Whether the person came here from another room. */
  moved?: boolean;
  /** Opens the list of rooms, if it is not beside the room. */
  openRooms?: (() => void) | undefined;
  /** Shows who is here, in a room that lets one in. */
  people: PeopleControl | undefined;
  /** Opens the search in the messages. */
  search?: (() => void) | undefined;
}

/** The list of people: beside the messages, or in a sheet. */
type PeopleControl = { shown: boolean; toggle(): void } | { open(): void };

export function Header({ username, moved = false, openRooms, people, search }: Props) {
  const settings = useRef<HTMLDialogElement>(null);
  const sheet = useRef<HTMLDialogElement>(null);
  const openShortcuts = () => sheet.current?.showModal();
  useShortcut("help", openShortcuts);
  const namesake = useNamesake(username);
  const { name } = useStore();
  const title = useRef<HTMLHeadingElement>(null);
  useFocus(title, useTouch() && moved);
  return (
    <header className={styles.header}>
      {openRooms && <RoomsButton open={openRooms} />}
      <div className={styles.titles}>
        <h1 ref={title} className={styles.title} data-room={name !== lobby || undefined} tabIndex={-1}>
          <bdi translate={name === lobby ? undefined : "no"}>{roomWords(name)}</bdi>
        </h1>
        {people && <PeopleButton control={people} />}
      </div>
      <ConnectionBadge />
      {search && <SearchButton open={search} />}
      <button
        type="button"
        className={styles.me}
        aria-haspopup="dialog"
        aria-label={`Settings. Your name is ${username}.${namesake ? " Somebody else uses it too." : ""}`}
        onClick={() => settings.current?.showModal()}
      >
        <span className={styles.initial} aria-hidden="true">
          {initialOf(username)}
        </span>
        <bdi className={styles.name} translate="no">
          {username}
        </bdi>
        {namesake && <span className={styles.mark} title={`Somebody else is called ${username} too.`} />}
      </button>
      <Settings ref={settings} namesake={namesake} openShortcuts={openShortcuts} />
      <ShortcutSheet ref={sheet} />
    </header>
  );
}

/** Whoever changes the room on a touch screen reads first: the focus in the input would open the keyboard. */
function useFocus(title: RefObject<HTMLElement | null>, wanted: boolean): void {
  useEffect(() => {
    if (wanted) title.current?.focus();
  }, [title, wanted]);
}

function RoomsButton({ open }: { open: () => void }) {
  const unread = useUnreadElsewhere();
  const words = unread > 0 ? `Rooms. ${unreadWords(unread)} unread in other rooms.` : "Rooms";
  return (
    <button type="button" className={styles.rooms} aria-haspopup="dialog" aria-label={words} onClick={open}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M2.500 4h11m-11 4h11m-11 4h11" />
      </svg>
      {unread > 0 && <span className={styles.unread}>{unreadWords(unread)}</span>}
    </button>
  );
}

function SearchButton({ open }: { open: () => void }) {
  return (
    <button type="button" className={styles.rooms} aria-label="Search" title="Search" onClick={open}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M7 2.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9m3.300 7.800 3.200 3.200" />
      </svg>
    </button>
  );
}

/** How many are here, and the way to see who. */
function PeopleButton({ control }: { control: PeopleControl }) {
  const online = useRoomState((state) => state.online);
  const live = useLive();
  const counts = live && online !== null;
  const words = counts ? `${online.toLocaleString("en")} online` : "People";
  const way = "open" in control ? ({ "aria-haspopup": "dialog" } as const) : { "aria-expanded": control.shown };
  return (
    <button
      type="button"
      className={styles.online}
      data-live={counts || undefined}
      aria-label={counts ? `${words}. People` : words}
      onClick={"open" in control ? control.open : control.toggle}
      {...way}
    >
      <span className={styles.dot} aria-hidden="true" />
      <span>{words}</span>
    </button>
  );
}

/** Shown while something is wrong. It is always there: screen readers announce a change in it, not its appearance. */
function ConnectionBadge() {
  const connection = useConnection();
  const admission = useAdmission();
  const state = badgeState(connection, admission);
  return (
    <p className={state === "live" ? "hidden" : styles.badge} data-state={state} role="status">
      <span className={styles.dot} aria-hidden="true" />
      <span>{badgeWords(connection, admission)}</span>
    </p>
  );
}

function badgeState({ state }: Connection, admission: Admission): Connection["state"] {
  if (typeof admission === "object") return "refused";
  return state === "live" && admission === "outside" ? "connecting" : state;
}

/** Names are not accounts: somebody else may use the same one. */
function useNamesake(username: string): boolean {
  const entries = useRoomState((state) => state.timeline.entries);
  const me = useMe();
  return useMemo(
    () => entries.slice(-recent).some((entry) => entry.username === username && !isMine(me, entry)),
    [entries, me, username],
  );
}
