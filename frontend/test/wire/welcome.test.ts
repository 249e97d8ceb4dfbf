import { describe, expect, test } from "vitest";
import { firstLimits } from "@/wire/limits";
import { readMessage, readRoomRefusal, readWelcome } from "@/wire/read";
import { type Rights, rightIn } from "@/wire/rights";
import { lobby } from "@/wire/rooms";
import { fixture } from "../fixtures";

interface Case {
  spec: string;
  name: string;
  welcome: { user: { id: string; guest?: true; name?: string }; token?: string; rooms?: Rights };
  frame: string;
}
const { cases } = fixture<{ cases: Case[] }>("server-welcome");

describe("welcome", () => {
  test.each(cases)("$spec LIM-8 $name, from a server with our defaults", ({ welcome, frame }) => {
    const [event, payload] = JSON.parse(frame.slice(2)) as unknown[];
    const { id, guest = false, name } = welcome.user;
    expect(event).toBe("welcome");
    expect(readWelcome(payload)).toEqual({
      ...welcome,
      user: { id, guest, ...(name !== undefined && { name }) },
      limits: firstLimits,
    });
  });

  test("is read, and what we do not know is ignored", () => {
    const limits = { ...firstLimits, messageChars: 20, dedupeMs: 3_600_000, messageRate: 0 };
    const payload = {
      user: { id: "u1", name: "Ada", role: "staff", expires: 1 },
      limits: { ...limits, moons: 3 },
      rooms: { "*": "read", "team-*": "write" },
      weather: "fine",
    };
    expect(readWelcome(payload)).toEqual({
      user: { id: "u1", name: "Ada", guest: false },
      limits,
      rooms: payload.rooms,
    });
  });

  test("that of a guest has a token, and no name that is the guest's own", () => {
    const payload = { user: { id: "~1", guest: true, name: "Ada" }, token: "~1.x", limits: firstLimits };
    expect(readWelcome(payload)).toEqual({ ...payload, user: { id: "~1", guest: true } });
  });

  test.each([undefined, null, "~1", [], {}, { user: "~1" }, { user: {} }, { user: { id: "" } }, { user: { id: 7 } }])(
    "that says nothing of us is none: %j",
    (payload) => {
      expect(readWelcome(payload)).toBeUndefined();
    },
  );

  test.each([undefined, null, [], "20", 0.5, -1, Number.NaN, 2 ** 31])("a wrong limit is the default: %j", (wrong) => {
    const limits = Object.fromEntries(Object.keys(firstLimits).map((name) => [name, wrong]));
    expect(readWelcome({ user: { id: "~1" }, limits })?.limits).toEqual(firstLimits);
    expect(readWelcome({ user: { id: "~1" }, limits: wrong, rooms: wrong })).toEqual({
      user: { id: "~1", guest: false },
      limits: firstLimits,
    });
  });

  test("a right of the future grants nothing", () => {
    expect(readWelcome({ user: { id: "~1" }, rooms: { a: "own", b: 7, c: "write" } })?.rooms).toEqual({
      a: "none",
      b: "none",
      c: "write",
    });
  });
});

describe("WHO-13 rights in rooms", () => {
  const granted = { "*": "read", "team-*": "write", "team-*-news": "read", "*-ops": "none" } as const;
  test.each([
    [lobby, "read"],
    ["cats", "read"],
    ["team-a", "write"],
    ["team-", "write"],
    ["team-a-news", "read"],
    ["team-news", "write"],
    ["x-ops", "none"],
    ["team-ops", "write"],
  ] as const)("%s: %s", (room, right) => {
    expect(rightIn(granted, room)).toBe(right);
  });

  test("without patterns everything may be written, without a match nothing may be read", () => {
    expect(rightIn(undefined, "cats")).toBe("write");
    expect(rightIn({}, "cats")).toBe("none");
    expect(rightIn({ "*": "read", x: "write" }, "x")).toBe("write");
    expect(rightIn({ "*": "read" }, "constructor")).toBe("read");
    expect(rightIn({ cat: "write", "cats?": "write" }, "cats")).toBe("none");
  });

  test("of two equally long patterns, the stricter holds", () => {
    for (const rooms of [
      { "a*": "write", "*a": "read" },
      { "*a": "read", "a*": "write" },
    ] as const) {
      expect(rightIn(rooms, "aa")).toBe("read");
    }
  });

  test("the global room has a name of its own", () => {
    expect(rightIn({ "/": "moderate" }, lobby)).toBe("moderate");
    expect(rightIn({ "/": "moderate" }, "cats")).toBe("none");
  });

  test("a star stands for any characters, also for none", () => {
    expect(rightIn({ "a*b*c": "write" }, "abc")).toBe("write");
    expect(rightIn({ "a*b*c": "write" }, "a.b.b.c")).toBe("write");
    expect(rightIn({ "ab*bc": "write" }, "abc")).toBe("none");
    expect(rightIn({ "*": "write" }, lobby)).toBe("write");
  });
});

describe("P11 who spoke", () => {
  test("is read from a message, and may be missing", () => {
    const message = { message: "m", username: "u", id: "i", at: 1 };
    expect(readMessage({ ...message, from: "u1", verified: true }, "1-0")).toMatchObject({
      from: "u1",
      verified: true,
    });
    expect(readMessage({ ...message, from: 7, verified: "yes" }, "1-0")).toEqual({ ...message, offset: "1-0" });
  });

  test.each(["unauthorized", "expired"])("the refusal %s", (code) => {
    expect(readRoomRefusal({ code })).toBe(code);
  });
});
