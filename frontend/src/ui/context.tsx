"use client";

import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from "react";
import { noWishes, type Preferences, type Wishes } from "@/attention/preferences";
import { type Look, usualLook } from "@/browser/look";
import type { Stored } from "@/browser/stored";
import type { Chat } from "@/chat/chat";
import { type Connection, firstConnection } from "@/connection/connection";
import type { Connector } from "@/connection/connector";
import type { Present } from "@/people/attendance";
import type { Hidden, HiddenPerson } from "@/people/hidden";
import { type Identity, type Me, nobody } from "@/people/identity";
import { type Admission, firstState, type RoomState } from "@/room/state";
import type { RoomStore } from "@/room/store";
import { firstRooms, type Rooms, type RoomsState } from "@/rooms/rooms";
import type { ListedRoom } from "@/wire/contract";
import { rightIn } from "@/wire/rights";
import { useVisible } from "./seen";

const Context = createContext<Chat | null>(null);
const RoomContext = createContext<RoomStore | undefined>(undefined);

/** ChatProvider gives the chat to its children and starts the connection. */
export function ChatProvider({ chat, children }: { chat: Chat; children: ReactNode }) {
  // Before a name is chosen, so that a sleeping server wakes meanwhile.
  useEffect(() => chat.rooms.start(), [chat]);
  return <Context value={chat}>{children}</Context>;
}

/** RoomProvider gives a room to its children; undefined while the page comes to life. */
export function RoomProvider({ room, children }: { room: RoomStore | undefined; children: ReactNode }) {
  return <RoomContext value={room}>{children}</RoomContext>;
}

function useChat(): Chat {
  const chat = useContext(Context);
  if (chat === null) throw new Error("There is no ChatProvider around this component.");
  return chat;
}

export function useConnector(): Connector {
  return useChat().connector;
}

export function useConnection(): Connection {
  const connector = useConnector();
  return useSyncExternalStore(connector.subscribe, connector.getConnection, () => firstConnection);
}

export function useRooms(): Rooms {
  return useChat().rooms;
}

export function useRoomsState(): RoomsState {
  const rooms = useRooms();
  return useSyncExternalStore(rooms.subscribe, rooms.getState, () => firstRooms);
}

/** The public list of rooms, kept up to date while somebody looks at it. */
export function useListedRooms(): readonly ListedRoom[] {
  const { listing } = useChat();
  return useSyncExternalStore(listing.subscribe, listing.getRooms, () => noRooms);
}

const noRooms: readonly ListedRoom[] = [];

/** The room around this component. */
export function useStore(): RoomStore {
  const room = useContext(RoomContext);
  if (room === undefined) throw new Error("There is no RoomProvider around this component.");
  return room;
}

export function useAdmission(): Admission {
  return useRoomState((state) => state.admission);
}

/** Whether the server takes messages from us in the room. */
export function useMayWrite(): boolean {
  const right = rightIn(useMe().rooms, useStore().name);
  return right === "write" || right === "moderate";
}

/** Whether the room gets messages now. */
export function useLive(): boolean {
  return useAdmission() === "inside";
}

export function useIdentity(): Identity {
  return useChat().identity;
}

export function useHidden(): Hidden {
  return useChat().hidden;
}

export function useHiddenPeople(): readonly HiddenPerson[] {
  const hidden = useHidden();
  return useSyncExternalStore(hidden.subscribe, hidden.getPeople, () => noPeople);
}

const noPeople: readonly HiddenPerson[] = [];

/** Whether an author is hidden. */
export function useIsHidden(author: string | undefined): boolean {
  const hidden = useHidden();
  return useSyncExternalStore(
    hidden.subscribe,
    () => hidden.has(author),
    () => false,
  );
}

export function usePreferences(): Preferences {
  return useChat().preferences;
}

export function useWishes(): Wishes {
  const preferences = usePreferences();
  return useSyncExternalStore(preferences.subscribe, preferences.getWishes, () => noWishes);
}

/** How the page looks, and the way to change it. */
export function useLook(): [Look, Stored<Look>] {
  const { look } = useChat();
  return [useSyncExternalStore(look.subscribe, look.get, () => usualLook), look];
}

/** A part of the state of the room; `select` returns the same value while that part has not changed. */
export function useRoomState<T>(select: (state: RoomState) => T): T {
  const room = useContext(RoomContext);
  return useStateOf(room, select);
}

/** A part of the state of any room. */
export function useStateOf<T>(room: RoomStore | undefined, select: (state: RoomState) => T): T {
  return useSyncExternalStore(
    room?.subscribe ?? watchNothing,
    () => select(room?.getState() ?? firstState),
    () => select(firstState),
  );
}

/** Who is in the room, kept up to date while the page is visible. */
export function usePresent(): Present {
  const { attendance } = useStore();
  const visible = useVisible();
  useEffect(() => (visible ? attendance.watch() : undefined), [attendance, visible]);
  return useRoomState((state) => state.present);
}

function watchNothing(): () => void {
  return () => {};
}

export function useMe(): Me {
  const { identity } = useChat();
  return useSyncExternalStore(identity.subscribe, identity.getMe, () => nobody);
}
