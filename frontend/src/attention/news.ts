import { mentioning } from "@/room/mentioned";
import type { RoomStore } from "@/room/store";
import { plainText } from "@/text/plain";
import { shortened } from "@/text/shortened";
import type { PlacedMessage } from "@/wire/contract";
import { lobby, type RoomName } from "@/wire/rooms";
import type { About } from "./preferences";

/** The words of a notification. */
export interface Headline {
  title: string;
  body: string;
}

const bodyChars = 140;

/** The messages that a person wants to hear of. */
export function wantedNews(
  room: RoomStore,
  news: readonly PlacedMessage[],
  about: About,
  username: string,
): readonly PlacedMessage[] {
  if (about === "none") return [];
  return about === "all" ? news : news.filter(mentioning(room.getState(), username));
}

/** headline sums up the messages of others that came into a room while the page was not seen; undefined for none. */
export function headline(room: RoomName, others: readonly PlacedMessage[]): Headline | undefined {
  const last = others.at(-1);
  if (last === undefined) return undefined;
  const alone = others.every((message) => message.username === last.username);
  const authors = alone ? last.username : `${last.username} and others`;
  const title = room === lobby ? authors : `${authors} in ${room}`;
  return { title, body: shortened(plainText(last.message), bodyChars) };
}
