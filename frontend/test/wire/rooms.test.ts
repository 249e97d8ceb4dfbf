import { describe, expect, test } from "vitest";

import { readRoomRefusal, readRooms } from "@/wire/read";
import { isRoomName, lobby, maxRoomNameChars, namespaceOf } from "@/wire/rooms";
import { fixture } from "../fixtures";

const golden = fixture<{
  prefix: string;
  maxNameChars: number;
  refusals: string[];
  list: { rooms: { name: string; online: number }[] };
  cases: { spec: string; name: string; room: string; valid: boolean }[];
}>("rooms");

describe("ROOM-1 names of rooms", () => {
  test.each(golden.cases)("$name: $room", ({ room, valid }) => {
    expect(isRoomName(room)).toBe(valid);
    if (valid) expect(namespaceOf(room)).toBe(golden.prefix + room);
  });

  test("the global room is no other", () => {
    expect(namespaceOf(lobby)).toBe("/");
    expect(isRoomName(lobby)).toBe(false);
    expect(maxRoomNameChars).toBe(golden.maxNameChars);
  });
});

describe("ROOM-7 refusals", () => {
  test.each(golden.refusals)("%s", (code) => {
    expect(readRoomRefusal({ code })).toBe(code);
  });

  test.each([undefined, null, "room_invalid", { code: 7 }, { code: "of the future" }])("anything else: %j", (data) => {
    expect(readRoomRefusal(data)).toBe("forbidden");
  });
});

describe("ROOM-14 the public list", () => {
  test("is read", () => {
    expect(readRooms(golden.list)).toEqual(golden.list.rooms);
  });

  test.each([undefined, null, [], { rooms: 7 }, { rooms: [7, null, { name: "a b", online: 1 }, { name: "a" }] }])(
    "what is none is empty: %j",
    (payload) => {
      expect(readRooms(payload)).toEqual([]);
    },
  );

  test("leaves out what it does not understand", () => {
    const rooms = [
      { name: "cats", online: 3, more: true },
      { name: "dogs", online: -1 },
      { name: "..", online: 1 },
    ];
    expect(readRooms({ rooms, more: true })).toEqual([{ name: "cats", online: 3 }]);
  });
});
