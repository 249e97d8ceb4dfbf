import { isRoomName, lobby, type RoomName } from "@/wire/rooms";

/** What the address of the page asks for. The site is one page, so the room is in the query. */
export type Wanted = { readonly room: RoomName } | { readonly invalid: string };

const parameter = "room";

/** wantedRoom reads the query of an address. */
export function wantedRoom(query: string): Wanted {
  const name = new URLSearchParams(query).get(parameter) ?? lobby;
  return name === lobby || isRoomName(name) ? { room: name } : { invalid: name };
}

/** The address of a room. */
export function roomAddress(name: RoomName): string {
  return name === lobby ? "/" : `/?${parameter}=${name}`;
}
