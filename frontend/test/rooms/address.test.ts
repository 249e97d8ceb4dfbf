import { expect, test } from "vitest";

import { messageAddress, roomAddress, wantedRoom } from "@/rooms/address";
import { lobby } from "@/wire/rooms";

test.each([
  ["", { room: lobby }],
  ["?room=", { room: lobby }],
  ["?utm=x", { room: lobby }],
  ["?room=cats", { room: "cats" }],
  ["?room=%63ats", { room: "cats" }],
  ["?room=cats&room=dogs", { room: "cats" }],
  ["?at=5-0", { room: lobby, at: "5-0" }],
  ["?room=cats&at=", { room: "cats", at: "" }],
  ["?at=%3Cb%3E&room=cats", { room: "cats", at: "<b>" }],
  ["?room=a+b&at=5-0", { invalid: "a b" }],
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

test("the address of a message leads to it", () => {
  for (const room of [lobby, "cats"])
    expect(wantedRoom(messageAddress(room, "5-0").slice(1))).toEqual({ room, at: "5-0" });
});
