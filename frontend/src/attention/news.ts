import { unreadWords } from "@/room/lastread";
import { shortened } from "@/text/shortened";
import type { PlacedMessage } from "@/wire/contract";
import { lobby, type RoomName } from "@/wire/rooms";

/** The words of a notification. */
export interface Headline {
  title: string;
  body: string;
}

const bodyChars = 140;

/** headline sums up the messages of others that came into a room while the page was not seen; undefined for none. */
export function headline(room: RoomName, others: readonly PlacedMessage[]): Headline | undefined {
  const last = others.at(-1);
  if (last === undefined) return undefined;
  const alone = others.every((message) => message.username === last.username);
  const authors = alone ? last.username : `${last.username} and others`;
  const title = room === lobby ? authors : `${authors} in ${room}`;
  return { title, body: shortened(last.message, bodyChars) };
}

/** The title of the page: the number of unread messages in all rooms, and the room that is shown. */
export function pageTitle(unread: number, room: RoomName | undefined): string {
  const name = room ? `${room} · Chat` : "Chat";
  return unread === 0 ? name : `(${unreadWords(unread)}) ${name}`;
}
