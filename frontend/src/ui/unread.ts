import { useCallback, useSyncExternalStore } from "react";
import type { About } from "@/attention/preferences";
import { countMentions } from "@/room/mentioned";
import type { RoomStore } from "@/room/store";
import type { Offset } from "@/wire/contract";
import { useMe, useRooms, useWishes } from "./context";

/** How many unread messages of a room the person wants to hear of. */
function wanted(about: About, room: RoomStore, username: string | null): number {
  switch (about) {
    case "all":
      return room.getState().unread;
    case "mentions":
      return countMentions(room, username);
    case "none":
      return 0;
  }
}

/** The number of unread messages that the person wants to hear of, in the rooms that are not shown. */
export function useUnreadElsewhere(): number {
  const rooms = useRooms();
  const { about } = useWishes();
  const { username } = useMe();
  return useSyncExternalStore(
    rooms.watch,
    () => rooms.unreadBut(rooms.getState().shown, (room) => wanted(about, room, username)),
    () => 0,
  );
}

/** How many messages behind a place mention us; without a place, how many unread ones. */
export function useMentions(room: RoomStore, after?: Offset): number {
  const { username } = useMe();
  const count = useCallback(() => countMentions(room, username, after), [room, username, after]);
  return useSyncExternalStore(room.subscribe, count, () => 0);
}
