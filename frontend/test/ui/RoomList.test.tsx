// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Listing } from "@/rooms/listing";
import { RoomList } from "@/ui/RoomList";
import { placed } from "../make";
import { openChat, show } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

/** The names of the links in a list, as a screen reader reads them. */
const names = (list: string) =>
  within(screen.getByRole("list", { name: list }))
    .getAllByRole("link")
    .map((link) => link.textContent);

const link = (name: RegExp) => screen.getByRole("link", { name });
const field = () => screen.getByRole<HTMLInputElement>("textbox", { name: "Open a room" });
const openRoom = (name: string) => {
  fireEvent.change(field(), { target: { value: name } });
  fireEvent.click(screen.getByRole("button", { name: "Open" }));
};

describe("the list of rooms", () => {
  test("has the lobby first, then the rooms I am in, and marks the shown one", () => {
    const { rooms } = show(<RoomList />, openChat({ query: "?room=cats" }));
    expect(names("Rooms")).toEqual(["Lobby", "cats"]);
    expect(link(/cats/).getAttribute("aria-current")).toBe("page");
    fireEvent.click(link(/Lobby/));
    expect(rooms.getState().shown?.name).toBe("");
    expect(link(/Lobby/).getAttribute("aria-current")).toBe("page");
    expect(link(/cats/).getAttribute("aria-current")).toBeNull();
    expect(link(/cats/).getAttribute("href")).toBe("/?room=cats");
  });

  test("a click that opens a tab is left to the browser", () => {
    const { visited } = show(<RoomList />, openChat({ query: "?room=cats" }));
    for (const key of ["ctrlKey", "metaKey", "shiftKey"]) fireEvent.click(link(/Lobby/), { [key]: true });
    expect(visited).toHaveLength(1);
  });

  test("has the rooms of the server with their members, and a room I am in only once", async () => {
    const opened = openChat({ query: "?room=cats" });
    const listed = [
      { name: "cats", online: 7 },
      { name: "dogs", online: 1234 },
    ];
    const listing = new Listing("http://chat.test", async () => ({ ok: true, json: async () => ({ rooms: listed }) }));
    show(<RoomList />, { ...opened, chat: { ...opened.chat, listing } });
    expect(screen.queryByRole("list", { name: "More rooms" })).toBeNull();
    await act(() => vi.advanceTimersByTimeAsync(0));
    expect(names("Rooms")).toEqual(["Lobby", "cats"]);
    expect(names("More rooms")).toEqual(["dogs, 1,234 online"]);
    fireEvent.click(link(/dogs/));
    expect(names("Rooms")).toEqual(["Lobby", "cats", "dogs"]);
    expect(screen.queryByRole("list", { name: "More rooms" })).toBeNull();
  });

  test("counts unread messages, and says which room is joining or refused", () => {
    const { rooms, link: line } = show(<RoomList />);
    act(() => line.accept());
    act(() => rooms.show("cats"));
    expect(names("Rooms")).toEqual(["Lobby", "cats, joining"]);
    act(() => line.accept(false, "5-0", "cats"));
    expect(names("Rooms")).toEqual(["Lobby", "cats"]);
    act(() => vi.advanceTimersByTime(2000));
    act(() => line.at("cats").listener.message(placed(1)));
    expect(names("Rooms")).toEqual(["Lobby", "cats, 1 unread"]);
    for (let n = 2; n < 200; n++) act(() => line.at("cats").listener.message(placed(n)));
    act(() => vi.advanceTimersByTime(100));
    expect(names("Rooms")).toEqual(["Lobby", "cats, 99+ unread"]);
    act(() => rooms.show("dogs"));
    act(() => line.at("dogs").listener.refused("room_forbidden"));
    expect(names("Rooms")).toEqual(["Lobby", "cats, 99+ unread", "dogs, refused"]);
  });

  test("says in which room somebody mentions us", () => {
    const { rooms, identity, link: line } = show(<RoomList />);
    act(() => {
      identity.rename("ada");
      line.accept();
      rooms.show("cats");
      line.accept(false, "5-0", "cats");
      rooms.show("");
      vi.advanceTimersByTime(2000);
    });
    act(() => line.at("cats").listener.message(placed(1, { username: "bob" })));
    expect(names("Rooms")).toEqual(["Lobby", "cats, 1 unread"]);
    act(() => vi.advanceTimersByTime(100));
    act(() => line.at("cats").listener.message(placed(4, { username: "bob", message: "`@ada` @ada" })));
    expect(names("Rooms")).toEqual(["Lobby", "cats, @ 2 unread, you are mentioned"]);
  });

  test("leaves a room, and asks first if something there was not sent", () => {
    const { rooms } = show(<RoomList />, openChat({ query: "?room=cats" }));
    const confirm = vi.fn(() => false);
    vi.stubGlobal("confirm", confirm);
    const leave = () => fireEvent.click(screen.getByRole("button", { name: "Leave cats" }));
    const cats = rooms.getState().shown;
    if (cats) cats.draft = "not yet";
    leave();
    expect(confirm).toHaveBeenCalledOnce();
    expect(names("Rooms")).toEqual(["Lobby", "cats"]);
    if (cats) cats.draft = "";
    leave();
    expect(confirm).toHaveBeenCalledOnce();
    expect(names("Rooms")).toEqual(["Lobby"]);
    expect(rooms.getState().shown?.name).toBe("");
    expect(screen.queryByRole("button", { name: /Leave/ })).toBeNull();
    vi.unstubAllGlobals();
  });
});

describe("open a room", () => {
  test("by its name, with or without a hash", () => {
    const chosen = vi.fn();
    const { rooms } = show(<RoomList chosen={chosen} />);
    openRoom(" #Cats-2 ");
    expect(rooms.getState().shown?.name).toBe("Cats-2");
    expect(field().value).toBe("");
    expect(chosen).toHaveBeenCalledOnce();
  });

  test.each(["a b", "..", "käse", "x".repeat(65), "a/b"])("ROOM-1 %j is explained and not opened", (name) => {
    const { visited } = show(<RoomList />);
    openRoom(name);
    expect(screen.getByRole("alert").textContent).toMatch(/1 to 64 characters/);
    expect(field().getAttribute("aria-invalid")).toBe("true");
    expect(field().value).toBe(name);
    expect(visited).toHaveLength(1);
    fireEvent.change(field(), { target: { value: "ok" } });
    expect(screen.queryByRole("alert")).toBeNull();
  });
});
