import type { Memory } from "@/browser/memory";
import { isRoomName, lobby, type RoomName } from "@/wire/rooms";

const key = "chat.rooms";

/** More rooms are not remembered: the oldest is forgotten. */
const mostRooms = 50;

/** Remembered stores the rooms that the person is in, for this browser. All tabs share them. */
export class Remembered {
  readonly #browser: Memory;

  constructor(browser: Memory) {
    this.#browser = browser;
  }

  get names(): readonly RoomName[] {
    try {
      const names: unknown = JSON.parse(this.#browser.get(key) ?? "[]");
      return Array.isArray(names) ? [...new Set(names.filter(isName))].slice(-mostRooms) : [];
    } catch {
      return [];
    }
  }

  add(name: RoomName): void {
    const { names } = this;
    if (!names.includes(name)) this.#browser.set(key, JSON.stringify([...names, name].slice(-mostRooms)));
  }

  remove(name: RoomName): void {
    this.#browser.set(key, JSON.stringify(this.names.filter((other) => other !== name)));
  }
}

function isName(value: unknown): value is RoomName {
  return typeof value === "string" && (value === lobby || isRoomName(value));
}
