import { expect, test } from "vitest";

import { roomAddress, wantedRoom } from "@/rooms/address";
import { lobby } from "@/wire/rooms";

test.each([
  ["", { room: lobby }],
  ["?room=", { room: lobby }],
  ["?utm=x", { room: lobby }],
  ["?room=cats", { room: "cats" }],
  ["?room=%63ats", { room: "cats" }],
  ["?room=cats&room=dogs", { room: "cats" }],
  ["?room=a+b", { invalid: "a b" }],
  ["?room=..", { invalid: ".." }],
  ["?room=%", { invalid: "%" }],
  [`?room=${"x".repeat(65)}`, { invalid: "x".repeat(65) }],
])("ROOM-1 the address %j", (query, expected) => {
  expect(wantedRoom(query)).toEqual(expected);
});

test("the address of a room leads to it", () => {
  expect(roomAddress(lobby)).toBe("/");
  for (const name of ["cats", "A.b_~-9"]) expect(wantedRoom(roomAddress(name).slice(1))).toEqual({ room: name });
});
