/*
 * The names of rooms (ROOM-1). The server applies the same rule in server/internal/stream/rooms.go; the fixtures test
 * both.
 */

/** The name of a room; empty for the global one. */
export type RoomName = string;

/** The global room, which every server has. */
export const lobby: RoomName = "";

export const maxRoomNameChars = 64;

const form = /^[A-Za-z0-9._~-]{1,64}$/;

/** Whether a text names a room other than the global one. Upper and lower case differ. */
export function isRoomName(text: string): boolean {
  return form.test(text) && text !== "." && text !== "..";
}

/** The Socket.IO namespace of a room. */
export function namespaceOf(name: RoomName): string {
  return name === lobby ? "/" : `/rooms/${name}`;
}
