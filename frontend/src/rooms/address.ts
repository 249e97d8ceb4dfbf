import type { Offset } from "@/wire/contract";
import { isRoomName, lobby, type RoomName } from "@/wire/rooms";

/**
 * What the address of the page asks for. The site is one page, so the room is in the query, and so is the message that a
 * link leads to. That may be any text.
 */
export type Wanted = { readonly room: RoomName; readonly at?: string } | { readonly invalid: string };

const parameter = "room";
const messageParameter = "at";

/** wantedRoom reads the query of an address. */
export function wantedRoom(query: string): Wanted {
  const parameters = new URLSearchParams(query);
  const name = parameters.get(parameter) ?? lobby;
  if (name !== lobby && !isRoomName(name)) return { invalid: name };
  const at = parameters.get(messageParameter);
  return at === null ? { room: name } : { room: name, at };
}

/** The address of a room. */
export function roomAddress(name: RoomName): string {
  return name === lobby ? "/" : `/?${parameter}=${name}`;
}

/** The address of a message in a room. */
export function messageAddress(name: RoomName, offset: Offset): string {
  return `${roomAddress(name)}${name === lobby ? "?" : "&"}${messageParameter}=${offset}`;
}
