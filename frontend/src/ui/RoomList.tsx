"use client";

import { useId } from "react";
import { unreadWords } from "@/room/lastread";
import type { RoomStore } from "@/room/store";
import { lobby, type RoomName } from "@/wire/rooms";
import { useConnection, useListedRooms, useRooms, useRoomsState, useStateOf } from "./context";
import { OpenRoom } from "./OpenRoom";
import { RoomLink } from "./RoomLink";
import styles from "./RoomList.module.css";
import { useMentions } from "./unread";
import { roomWords } from "./words";

interface Props {
  /** Called when a room was chosen. */
  chosen?: (() => void) | undefined;
}

/** The rooms: the global one, those this tab is in, those the server lists, and a form for any other. */
export function RoomList({ chosen }: Props) {
  const titleId = useId();
  const moreId = useId();
  const { mine } = useRoomsState();
  const listed = useListedRooms();
  const others = listed.filter(({ name }) => mine.every((room) => room.name !== name));
  const inLobby = mine.find(({ name }) => name === lobby);
  return (
    <nav className={styles.rooms} aria-labelledby={titleId}>
      <h2 id={titleId}>Rooms</h2>
      <div className={styles.lists}>
        <ul aria-labelledby={titleId}>
          {inLobby ? <MyRoom room={inLobby} chosen={chosen} /> : <OtherRoom name={lobby} chosen={chosen} />}
          {mine
            .filter((room) => room !== inLobby)
            .map((room) => (
              <MyRoom key={room.name} room={room} chosen={chosen} />
            ))}
        </ul>
        {others.length > 0 && (
          <>
            <h3 id={moreId}>More rooms</h3>
            <ul aria-labelledby={moreId}>
              {others.map(({ name, online }) => (
                <OtherRoom key={name} name={name} online={online} chosen={chosen} />
              ))}
            </ul>
          </>
        )}
      </div>
      <OpenRoom opened={chosen} />
    </nav>
  );
}

function MyRoom({ room, chosen }: Props & { room: RoomStore }) {
  const rooms = useRooms();
  const { shown } = useRoomsState();
  const { name } = room;
  return (
    <li className={styles.row}>
      <RoomLink name={name} className={styles.link} current={room === shown} followed={chosen}>
        <Name name={name} />
        <State room={room} />
      </RoomLink>
      {name !== lobby && (
        <button
          type="button"
          className={styles.leave}
          aria-label={`Leave ${name}`}
          title={`Leave ${name}`}
          onClick={() => mayLeave(room) && rooms.leave(name)}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="m4.500 4.500 7 7m0-7-7 7" />
          </svg>
        </button>
      )}
    </li>
  );
}

/** Asks before something that was written is lost. */
function mayLeave(room: RoomStore): boolean {
  const waiting = room.getState().outbox.length > 0 || room.draft.trim() !== "";
  return !waiting || window.confirm(`Leave ${room.name}? What you wrote there and did not send will be lost.`);
}

/** What is up in a room of ours: unread messages, or why there are none. */
function State({ room }: { room: RoomStore }) {
  const unread = useStateOf(room, (state) => state.unread);
  const mentions = useMentions(room);
  const admission = useStateOf(room, (state) => state.admission);
  const { state } = useConnection();
  if (unread > 0) {
    return (
      <span className={styles.unread}>
        <span className="hidden">, </span>
        {mentions > 0 && <span aria-hidden="true">@ </span>}
        <span>{unreadWords(unread)}</span>
        <span className="hidden">{mentions > 0 ? " unread, you are mentioned" : " unread"}</span>
      </span>
    );
  }
  if (typeof admission === "object") return <Mark state="refused" words="refused" />;
  if (admission === "outside" && state === "live") return <Mark state="joining" words="joining" />;
  return null;
}

function Mark({ state, words }: { state: string; words: string }) {
  return (
    <span className={styles.mark} data-state={state} title={words}>
      <span className="hidden">{`, ${words}`}</span>
    </span>
  );
}

function OtherRoom({ name, online, chosen }: Props & { name: RoomName; online?: number }) {
  return (
    <li className={styles.row}>
      <RoomLink name={name} className={styles.link} followed={chosen}>
        <Name name={name} />
        {online !== undefined && (
          <span className={styles.online}>
            <span className="hidden">, </span>
            <span>{`${online.toLocaleString("en")} online`}</span>
          </span>
        )}
      </RoomLink>
    </li>
  );
}

function Name({ name }: { name: RoomName }) {
  return (
    <bdi className={styles.name} data-room={name !== lobby || undefined} translate={name === lobby ? undefined : "no"}>
      {roomWords(name)}
    </bdi>
  );
}
