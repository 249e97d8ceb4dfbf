import type { Memory } from "@/browser/memory";
import type { Connector } from "@/connection/connector";
import type { Hidden } from "@/people/hidden";
import type { Identity } from "@/people/identity";
import { RoomStore } from "@/room/store";
import type { Offset, PlacedMessage } from "@/wire/contract";
import { lobby, type RoomName } from "@/wire/rooms";
import { messageAddress, roomAddress, type Wanted, wantedRoom } from "./address";
import { Remembered } from "./remembered";

/** The rooms of this page. Immutable. */
export interface RoomsState {
  /** What the address of the page asks for. */
  readonly wanted: Wanted;
  /** In the order in which they were opened. */
  readonly mine: readonly RoomStore[];
  /** The one of them on the screen; undefined if the address names none. */
  readonly shown: RoomStore | undefined;
}

export const firstRooms: RoomsState = { wanted: { room: lobby }, mine: [], shown: undefined };

export interface RoomsDeps {
  connector: Connector;
  tab: Memory;
  browser: Memory;
  identity: Pick<Identity, "getMe" | "newId">;
  hidden: Pick<Hidden, "has">;
  /** The part of the browser that holds the address of the page. */
  page: Page;
}

export interface Page {
  query(): string;
  push(address: string): void;
  /** Like push, but the back button does not return to the address before it. */
  replace(address: string): void;
}

export type NewsListener = (room: RoomStore, news: readonly PlacedMessage[]) => void;

function messageOf(wanted: Wanted): string | undefined {
  return "room" in wanted ? wanted.at : undefined;
}

/** Rooms owns the rooms that this tab is in, all over one connection, and knows which of them is shown. */
export class Rooms {
  readonly #deps: RoomsDeps;
  readonly #remembered: Remembered;
  readonly #subscribers = new Set<() => void>();
  readonly #newsListeners = new Set<NewsListener>();
  readonly #watchers = new Set<() => void>();
  #state = firstRooms;
  #started = false;

  constructor(deps: RoomsDeps) {
    this.#deps = deps;
    this.#remembered = new Remembered(deps.browser);
    this.addressChanged();
  }

  getState = (): RoomsState => this.#state;

  /** Calls back when a room is shown, opened or left, until the returned function is called. */
  subscribe = (callback: () => void): (() => void) => {
    this.#subscribers.add(callback);
    return () => void this.#subscribers.delete(callback);
  };

  /** Calls back after each change of any room, too, until the returned function is called. */
  watch = (callback: () => void): (() => void) => {
    this.#watchers.add(callback);
    return () => void this.#watchers.delete(callback);
  };

  /** Reports the news of all rooms, until the returned function is called. */
  onNews(callback: NewsListener): () => void {
    this.#newsListeners.add(callback);
    return () => void this.#newsListeners.delete(callback);
  }

  /** The number of unread messages in all rooms but one, or of those that `count` counts. */
  unreadBut(but: RoomStore | undefined, count = (room: RoomStore) => room.getState().unread): number {
    const rooms = this.#state.mine.filter((room) => room !== but);
    return rooms.reduce((sum, room) => sum + count(room), 0);
  }

  /** Begins to connect. Further calls change nothing. */
  start = (): void => {
    this.#started = true;
    this.#deps.connector.start();
  };

  /** Opens the rooms of earlier visits. Call it when it is known who we are. */
  openRemembered(): void {
    const names = this.#remembered.names.filter((name) => this.#find(name) === undefined);
    if (names.length === 0) return;
    const opened = names.map((name) => this.#open(name));
    for (const room of opened) room.setShown(false);
    this.#update({ mine: [...this.#state.mine, ...opened] });
  }

  /** Shows a room, and opens it first if need be. The browser's back button returns to the room before it. */
  show(name: RoomName): void {
    const { shown, wanted } = this.#state;
    if (shown?.name === name && messageOf(wanted) === undefined) return;
    this.#deps.page.push(roomAddress(name));
    this.addressChanged();
  }

  /** Shows a message of the room on the screen, like a link to it. */
  showMessage(offset: Offset): void {
    const { shown, wanted } = this.#state;
    if (!shown) return;
    if (messageOf(wanted) !== offset) this.#deps.page.push(messageAddress(shown.name, offset));
    this.addressChanged();
  }

  /** Shows the end of the room on the screen. */
  showEnd(): void {
    this.#leaveMessage();
    this.#state.shown?.reader.toEnd();
  }

  /** Shows a day of the room on the screen. Both ends are times in ms. */
  showDay(begin: number, end: number): void {
    this.#leaveMessage();
    this.#state.shown?.reader.seekDay(begin, end);
  }

  /** A reload does not lead back to the message of a link. */
  #leaveMessage(): void {
    const { shown, wanted } = this.#state;
    if (!shown || messageOf(wanted) === undefined) return;
    this.#deps.page.replace(roomAddress(shown.name));
    this.#update({ wanted: { room: shown.name } });
  }

  /** Shows the room that the address of the page names, and the message in it. */
  addressChanged(): void {
    const wanted = wantedRoom(this.#deps.page.query());
    const hadMessage = messageOf(this.#state.wanted) !== undefined;
    this.#showRoom(wanted);
    const at = messageOf(wanted);
    if (at !== undefined) this.#state.shown?.reader.seek(at);
    else if (hadMessage) this.#state.shown?.reader.toEnd();
  }

  #showRoom(wanted: Wanted): void {
    const before = this.#state.shown;
    const shown = "room" in wanted ? (this.#find(wanted.room) ?? this.#open(wanted.room)) : undefined;
    if (shown !== undefined && shown === before) {
      if (messageOf(wanted) !== messageOf(this.#state.wanted)) this.#update({ wanted });
      return;
    }
    const mine = this.#state.mine.filter((room) => room === shown || room !== before || !this.#isVain(room));
    for (const room of this.#state.mine) if (!mine.includes(room)) room.leave();
    before?.setShown(false);
    shown?.setShown(true);
    this.#update({ wanted, mine: shown && !mine.includes(shown) ? [...mine, shown] : mine, shown });
  }

  /** Leaves a room. The global one takes its place on the screen. */
  leave(name: RoomName): void {
    const room = this.#find(name);
    if (!room || name === lobby) return;
    this.#remembered.remove(name);
    if (this.#state.shown === room) this.show(lobby);
    if (this.#find(name) !== room) return; // the change of rooms has ended it
    this.#update({ mine: this.#state.mine.filter((other) => other !== room) });
    room.leave();
  }

  /** Takes over what other tabs have read. */
  rereadPlaces(): void {
    for (const room of this.#state.mine) room.rereadPlace();
  }

  /** Call it when others are hidden than before. */
  recount(): void {
    for (const room of this.#state.mine) room.recount();
  }

  #find(name: RoomName): RoomStore | undefined {
    return this.#state.mine.find((room) => room.name === name);
  }

  #open(name: RoomName): RoomStore {
    const room = new RoomStore({ name, ...this.#deps });
    room.onNews((news) => {
      for (const listener of [...this.#newsListeners]) listener(room, news);
    });
    let remembered = false;
    room.subscribe(() => {
      const isNew = !remembered && room.getState().admission === "inside";
      remembered ||= isNew;
      if (isNew) this.#remembered.add(name);
      this.#tellWatchers();
    });
    if (this.#started) this.#deps.connector.start();
    return room;
  }

  /** Whether the server refuses a room that it never let us into. It is dropped when it is no longer shown. */
  #isVain(room: RoomStore): boolean {
    return typeof room.getState().admission === "object" && !this.#remembered.names.includes(room.name);
  }

  #update(change: Partial<RoomsState>): void {
    this.#state = { ...this.#state, ...change };
    for (const subscriber of [...this.#subscribers]) subscriber();
    this.#tellWatchers();
  }

  #tellWatchers(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
