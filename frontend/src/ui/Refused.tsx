"use client";

import type { RoomRefusal } from "@/wire/contract";
import { lobby } from "@/wire/rooms";
import buttons from "./buttons.module.css";
import { useMe, useStore } from "./context";
import styles from "./Refused.module.css";
import { RoomLink } from "./RoomLink";
import { mayBeLetInLater, roomRefusedWords } from "./words";

/** In place of the messages of a room that the server does not let us into. */
export function Refused({ why }: { why: RoomRefusal }) {
  const store = useStore();
  const { rooms } = useMe();
  return (
    <div className={styles.refused} role="alert">
      <p>{roomRefusedWords(why, store.name, rooms)}</p>
      {mayBeLetInLater(why) && (
        <button type="button" className={buttons.primary} onClick={() => store.enterNow()}>
          Try again
        </button>
      )}
      {store.name !== lobby && (
        <RoomLink name={lobby} className={styles.lobby}>
          Go to the lobby
        </RoomLink>
      )}
    </div>
  );
}
