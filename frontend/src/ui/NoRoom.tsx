"use client";

import { lobby } from "@/wire/rooms";
import buttons from "./buttons.module.css";
import { NoticeScreen } from "./Notice";
import { RoomLink } from "./RoomLink";
import { roomNameRule } from "./words";

/** Shown for an address that names no room. */
export function NoRoom() {
  return (
    <NoticeScreen title="There is no such room." words={roomNameRule}>
      <RoomLink name={lobby} className={buttons.primary}>
        Go to the lobby
      </RoomLink>
    </NoticeScreen>
  );
}
