import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Rooms } from "@/rooms/rooms";
import { lobby } from "@/wire/rooms";
import { FakeMemory, FakeSelf, openConnector } from "../fakelink";
import { placed, placedRange } from "../make";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The rooms of a page that was opened at a query. */
function open(query = "", { tab = new FakeMemory(), browser = new FakeMemory() } = {}) {
  const { connector, link } = openConnector();
  const history = [query];
  const page = {
    query: () => history.at(-1) ?? "",
    push: (address: string) => void history.push(address.slice(1)),
    replace: (address: string) => void history.splice(-1, 1, address.slice(1)),
  };
  const rooms = new Rooms({ connector, tab, browser, page, identity: new FakeSelf(), hidden: new Set() });
  const back = () => {
    history.pop();
    rooms.addressChanged();
  };
  rooms.start();
  return { connector, rooms, link, tab, browser, back };
}

const mine = (rooms: Rooms) => rooms.getState().mine.map(({ name }) => name);
const shown = (rooms: Rooms) => rooms.getState().shown?.name;

describe("rooms", () => {
  test("the address opens a room, and without one the global room", () => {
    expect(shown(open("").rooms)).toBe(lobby);
    const { rooms, link } = open("?room=cats");
    expect(shown(rooms)).toBe("cats");
    expect([...link.rooms.keys()]).toEqual(["cats"]);
  });

  test("P10 all share one connection, and the back button returns", () => {
    const { rooms, link, back } = open("");
    rooms.show("cats");
    rooms.show("dogs");
    rooms.show("dogs");
    expect(shown(rooms)).toBe("dogs");
    back();
    expect(shown(rooms)).toBe("cats");
    back();
    expect(shown(rooms)).toBe(lobby);
    expect(mine(rooms)).toEqual([lobby, "cats", "dogs"]);
    expect(link.connects).toBe(1);
    expect([...link.rooms.values()].map(({ enters }) => enters)).toEqual([1, 1, 1]);
  });

  test("the address opens a message, the back button returns to it, and the end leaves the address", () => {
    const { rooms, link, back } = open("?at=5-0");
    const sought = () => rooms.getState().shown?.getState().sought;
    expect(sought()).toEqual({ offset: "5-0", state: "loading" });
    link.accept(false, "9-0");
    expect(link.asked).toMatchObject([{ around: "5-0" }]);
    rooms.showMessage("7-0");
    expect(rooms.getState().wanted).toEqual({ room: lobby, at: "7-0" });
    expect(link.asked).toMatchObject([{ around: "5-0" }, { around: "7-0" }]);
    rooms.showMessage("7-0");
    back();
    expect(sought()?.offset).toBe("5-0");
    rooms.show(lobby);
    expect(sought()).toBeNull();
    back();
    expect(sought()?.offset).toBe("5-0");
    rooms.showEnd();
    expect([rooms.getState().wanted, sought()]).toEqual([{ room: lobby }, null]);
  });

  test("an address that names no room shows none and asks for none", () => {
    const { rooms, link } = open("?room=a%20b");
    expect(rooms.getState()).toEqual({ wanted: { invalid: "a b" }, mine: [], shown: undefined });
    expect(link.rooms.size).toBe(0);
    rooms.show(lobby);
    expect(shown(rooms)).toBe(lobby);
  });

  test("a room that let us in is opened again by the next page, once we have a name", () => {
    const first = open("?room=cats");
    first.link.accept(false, "5-0", "cats");
    first.rooms.show("never-answered");
    const second = open("", { browser: first.browser });
    expect(mine(second.rooms)).toEqual([lobby]);
    second.rooms.openRemembered();
    second.rooms.openRemembered();
    expect(mine(second.rooms)).toEqual([lobby, "cats"]);
    expect(second.link.at("cats").enters).toBe(1);
  });

  test("at most fifty rooms are remembered, whatever is stored", () => {
    const browser = new FakeMemory();
    browser.set("chat.rooms", JSON.stringify([7, "a b", ...Array.from({ length: 1000 }, (_, i) => `room-${i}`)]));
    const { rooms, link } = open("?room=cats", { browser });
    rooms.openRemembered();
    expect(mine(rooms)).toHaveLength(51);
    link.accept(false, "5-0", "cats");
    expect(JSON.parse(browser.get("chat.rooms") ?? "")).toHaveLength(50);
    for (const text of ["{", "null", "7"]) {
      browser.set("chat.rooms", text);
      const other = open("", { browser });
      other.rooms.openRemembered();
      expect(mine(other.rooms)).toEqual([lobby]);
    }
  });

  test("a refused room stays while it is shown and is then forgotten; one that let us in before is kept", () => {
    const { rooms, link, browser } = open("");
    link.accept();
    rooms.show("secret");
    link.at("secret").listener.refused("room_forbidden");
    expect(rooms.getState().shown?.getState().admission).toEqual({ refused: "room_forbidden" });
    rooms.show("cats");
    expect(mine(rooms)).toEqual([lobby, "cats"]);
    expect(link.at("secret").gone).toBe(true);
    link.accept(false, "5-0", "cats");
    link.at("cats").listener.refused("too_many_rooms");
    rooms.show(lobby);
    expect(mine(rooms)).toEqual([lobby, "cats"]);
    expect(browser.get("chat.rooms")).toBe('["","cats"]');
  });

  test("leaving the shown room shows the global one, and nothing of it is kept", () => {
    const { rooms, link, tab, browser } = open("");
    link.accept();
    rooms.show("cats");
    link.accept(false, "5-0", "cats");
    const cats = rooms.getState().shown;
    if (cats) cats.draft = "a draft";
    cats?.send("ada", "hello");
    link.at("cats").listener.message(placed(1));
    cats?.setReading(true);
    const stored = () => [...tab.kept.keys(), ...browser.kept.keys()].filter((key) => key.endsWith(":cats"));
    expect(stored()).toHaveLength(3);
    rooms.leave("cats");
    expect([shown(rooms), mine(rooms)]).toEqual([lobby, [lobby]]);
    expect(link.at("cats").gone).toBe(true);
    expect(stored()).toEqual([]);
    expect(browser.get("chat.rooms")).toBe('[""]');
    vi.advanceTimersByTime(60_000);
    expect(stored()).toEqual([]);
    rooms.leave(lobby);
    expect(mine(rooms)).toEqual([lobby]);
  });
});

describe("each room has", () => {
  test("an outbox and a draft of its own, which survive a reload", () => {
    const first = open("?room=cats");
    const cats = first.rooms.getState().shown;
    first.rooms.show("dogs");
    const dogs = first.rooms.getState().shown;
    cats?.send("ada", "meow");
    if (dogs) dogs.draft = "wo";
    const second = open("?room=cats", { tab: first.tab });
    expect(
      second.rooms
        .getState()
        .shown?.getState()
        .outbox.map(({ text }) => text),
    ).toEqual(["meow"]);
    expect(second.rooms.getState().shown?.draft).toBe("");
    second.rooms.show("dogs");
    expect(second.rooms.getState().shown?.getState().outbox).toEqual([]);
    expect(second.rooms.getState().shown?.draft).toBe("wo");
    second.link.accept(false, "5-0", "cats");
    expect(second.link.at("cats").sent.map(({ message }) => message)).toEqual(["meow"]);
    expect(second.link.at("dogs").sent).toEqual([]);
  });

  test("unread messages behind its last-read place, which survives a reload", () => {
    const { rooms, link, browser } = open("");
    link.accept();
    rooms.show("cats");
    link.accept(false, "5-0", "cats");
    const cats = rooms.getState().shown;
    const told = vi.fn();
    rooms.watch(told);
    cats?.setReading(true);
    const { listener } = link.at("cats");
    vi.advanceTimersByTime(2000);
    listener.message(placed(1));
    expect(cats?.getState().unread).toBe(0);
    vi.advanceTimersByTime(2000);
    cats?.setReading(false);
    rooms.show(lobby);
    for (const message of [placed(2), placed(3), placed(4, { id: "me-7" })]) listener.message(message);
    vi.advanceTimersByTime(100);
    expect(cats?.getState().unread).toBe(2); // our own is none
    expect(rooms.unreadBut(rooms.getState().shown)).toBe(2);
    expect(rooms.unreadBut(cats)).toBe(0);
    expect(told).toHaveBeenCalled();

    const next = open("", { browser });
    next.rooms.openRemembered();
    next.link.accept(false, "0-0", "cats");
    for (const message of placedRange(0, 7)) next.link.at("cats").listener.message(message);
    vi.advanceTimersByTime(100);
    expect(next.rooms.unreadBut(undefined)).toBe(5);

    // The other page hears what this one has read.
    const [, again] = next.rooms.getState().mine;
    again?.setReading(true);
    expect(next.rooms.unreadBut(undefined)).toBe(0);
    rooms.rereadPlaces();
    expect(cats?.getState().unread).toBe(0);
  });

  test("no unread history when it is opened for the first time, and at most a hundred later", () => {
    const { rooms, link } = open("?room=cats");
    link.accept(false, "5-0", "cats");
    const { listener } = link.at("cats");
    for (const message of placedRange(0, 50)) listener.message(message);
    vi.advanceTimersByTime(2000);
    expect(rooms.unreadBut(undefined)).toBe(0);
    for (const message of placedRange(50, 500)) listener.message(message);
    vi.advanceTimersByTime(100);
    expect(rooms.unreadBut(undefined)).toBe(100);
  });

  test("a bound while it is hidden: the newest thousand messages", () => {
    const { rooms, link } = open("?room=cats");
    link.accept(false, "5-0", "cats");
    const cats = rooms.getState().shown;
    const { listener } = link.at("cats");
    const length = () => cats?.getState().timeline.entries.length;
    for (const message of placedRange(0, 3000)) listener.message(message);
    vi.advanceTimersByTime(100);
    expect(length()).toBe(3000);
    rooms.show(lobby);
    expect(length()).toBe(1000);
    for (const message of placedRange(3000, 5000)) listener.message(message);
    vi.advanceTimersByTime(100);
    expect(length()).toBe(1000);
    expect(cats?.getState().timeline.entries.at(-1)).toEqual(placed(4999));
    expect(cats?.getState().timeline.more).toBe(true);
    rooms.show("cats");
    for (const message of placedRange(5000, 6000)) listener.message(message);
    vi.advanceTimersByTime(100);
    expect(length()).toBe(2000);
    expect(cats?.getState().timeline.gaps).toEqual([]);
  });

  test("unread messages from the first on, if somebody has seen it empty", () => {
    const { rooms, link } = open("?room=cats");
    rooms.getState().shown?.setReading(true);
    link.accept(false, "5-0", "cats");
    rooms.getState().shown?.setReading(false);
    link.at("cats").listener.message(placed(1));
    expect(rooms.unreadBut(undefined)).toBe(1);
  });

  test("news of its own, by its name", () => {
    const { rooms, link } = open("");
    rooms.show("cats");
    link.accept();
    link.accept(false, "5-0", "cats");
    vi.advanceTimersByTime(2000);
    const heard: string[] = [];
    const stop = rooms.onNews((room, news) => void heard.push(`${room.name}: ${news.map(({ message }) => message)}`));
    link.at("cats").listener.message(placed(1));
    link.at(lobby).listener.message(placed(1));
    stop();
    vi.advanceTimersByTime(100);
    link.at("cats").listener.message(placed(2));
    expect(heard).toEqual(["cats: text 1", ": text 1"]);
  });

  test("P10 trouble of its own: messages wait there and go on elsewhere", async () => {
    const { rooms, link, connector } = open("");
    link.accept();
    rooms.show("cats");
    rooms.getState().shown?.send("ada", "waits");
    rooms.show(lobby);
    rooms.getState().shown?.send("ada", "goes");
    expect(connector.getConnection()).toEqual({ state: "live" });
    expect(link.at("cats").sent).toEqual([]);
    expect(link.at(lobby).sent.map(({ message }) => message)).toEqual(["goes"]);
    link.accept(false, "5-0", "cats");
    expect(link.at("cats").sent.map(({ message }) => message)).toEqual(["waits"]);
  });
});
