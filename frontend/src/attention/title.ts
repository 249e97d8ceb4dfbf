import { siteName } from "@/browser/sitename";
import { unreadWords } from "@/room/lastread";
import type { RoomName } from "@/wire/rooms";

/** The title of the page: the number of unread messages in all rooms, and the room that is shown. */
export function pageTitle(unread: number, room: RoomName | undefined): string {
  const name = room ? `${room} · ${siteName}` : siteName;
  return unread === 0 ? name : `(${unreadWords(unread)}) ${name}`;
}
