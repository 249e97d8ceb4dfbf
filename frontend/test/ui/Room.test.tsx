// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Screen } from "@/ui/ChatApp";
import { Room } from "@/ui/Room";
import { welcome } from "../make";
import { input, openChat, show, write } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const region = (name: string) => screen.queryByRole("region", { name });

describe("the room on the screen", () => {
  test("is the one of the address, with its own draft", () => {
    const { rooms } = show(<Room username="ada" />, openChat({ query: "?room=cats" }));
    expect(region("cats")).toBeTruthy();
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("cats");
    write("meow");
    act(() => rooms.show(""));
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Lobby");
    expect(input().value).toBe("");
    expect(document.activeElement).toBe(input());
    act(() => rooms.show("cats"));
    expect(input().value).toBe("meow");
  });

  test("whoever goes to another room stops typing in this one", () => {
    const { rooms, link } = show(<Room username="ada" />);
    act(() => link.accept());
    write("hm");
    expect(link.typed).toEqual([true]);
    act(() => rooms.show("cats"));
    expect(link.typed).toEqual([true, false]);
  });

  test.each([
    ["room_invalid", /no room can have this name/, false],
    ["room_forbidden", /does not have this room/, false],
    ["too_many_rooms", /too many rooms. Leave one/, true],
    ["forbidden", /does not let you in/, true],
  ] as const)("ROOM-7 the refusal %s is said in words", (why, words, again) => {
    const { rooms, link } = show(<Room username="ada" />, openChat({ query: "?room=cats" }));
    act(() => link.at("cats").listener.refused(why));
    expect(screen.getByRole("alert").textContent).toMatch(words);
    expect(screen.getByRole("status").textContent).toBe("Refused");
    expect(screen.queryByRole("textbox", { name: "Message" })).toBeNull();
    const button = screen.queryByRole("button", { name: "Try again" });
    expect(button !== null).toBe(again);
    if (button) {
      fireEvent.click(button);
      act(() => link.accept(false, "5-0", "cats"));
      expect(screen.getByRole("status").textContent).toBe("Live");
      expect(input()).toBeTruthy();
    } else {
      fireEvent.click(screen.getByRole("link", { name: "Go to the lobby" }));
      expect(rooms.getState().shown?.name).toBe("");
    }
  });

  test("P10 a room that does not answer says so, while another is live", () => {
    const { rooms, link } = show(<Room username="ada" />);
    act(() => link.accept());
    act(() => rooms.show("cats"));
    expect(screen.getByRole("status").textContent).toBe("Joining");
    const words = "This room does not answer yet. Your other rooms go on.";
    expect(screen.queryByText(words)).toBeNull();
    act(() => vi.advanceTimersByTime(3000));
    expect(screen.getByText(words)).toBeTruthy();
    act(() => rooms.show(""));
    expect(screen.getByRole("status").textContent).toBe("Live");
    expect(screen.queryByText(words)).toBeNull();
    act(() => rooms.show("cats"));
    act(() => vi.advanceTimersByTime(3000));
    act(() => link.accept(false, "5-0", "cats"));
    expect(screen.queryByText(words)).toBeNull();
    expect(screen.getByRole("status").textContent).toBe("Live");
  });

  test("ROOM-1 an address that names no room is explained, and leads to the lobby", () => {
    const { identity } = show(<Screen />, openChat({ query: "?room=a%20b" }));
    expect(screen.getByRole("heading", { name: "There is no such room." })).toBeTruthy();
    fireEvent.click(screen.getByRole("link", { name: "Go to the lobby" }));
    expect(screen.getByRole("textbox", { name: "Your name" })).toBeTruthy();
    expect(identity.getMe().username).toBeNull();
  });

  test("the form names the room, and says that the server refuses it", () => {
    const { link } = show(<Screen />, openChat({ query: "?room=cats" }));
    expect(screen.getByText("cats")).toBeTruthy();
    act(() => link.at("cats").listener.refused("room_forbidden"));
    expect(screen.getByText("This server does not have this room.")).toBeTruthy();
  });
});

describe("whom the server does not know", () => {
  test.each([
    ["unauthorized", "This server needs a sign-in."],
    ["expired", "Please sign in again."],
  ] as const)("P11 %s: sees one screen for all rooms", (why, words) => {
    for (const username of [null, "ada"]) {
      const opened = openChat();
      if (username) opened.chat.identity.rename(username);
      show(<Screen />, opened);
      act(() => opened.link.listener.refused(why));
      expect(screen.getByRole("heading").textContent).toBe(words);
      expect(screen.queryByRole("textbox")).toBeNull();
      cleanup();
    }
  });
});

describe("P11 a room in which we may only read", () => {
  test("has a note in place of the input, and the next room has an input", () => {
    const opened = openChat();
    const { identity, rooms } = opened.chat;
    show(<Room username="ada" />, opened);
    write("a draft");
    act(() => void identity.welcomed(welcome("~1", { rooms: { "*": "read", "team-*": "write" } })));
    expect(screen.getByRole("note").textContent).toBe("You can read here, but not write.");
    expect(screen.queryByRole("textbox", { name: "Message" })).toBeNull();
    act(() => rooms.show("team-a"));
    expect(screen.queryByRole("note")).toBeNull();
    expect(input().value).toBe("");
    act(() => void identity.welcomed(welcome("~1")));
    act(() => rooms.show(""));
    expect(input().value).toBe("a draft");
  });
});

test("WHO-9 a room that we may not read is told from one that the server does not have", () => {
  const opened = openChat();
  const { identity, rooms } = opened.chat;
  act(() => void identity.welcomed(welcome("~1", { rooms: { "team-*": "write" } })));
  show(<Room username="ada" />, opened);
  for (const [name, words] of [
    ["", /not open to you/],
    ["cats", /not open to you/],
    ["team-a", /does not have this room/],
  ] as const) {
    act(() => rooms.show(name));
    act(() => opened.link.at(name).listener.refused("room_forbidden"));
    expect(screen.getByRole("alert").textContent).toMatch(words);
  }
});
