"use client";

import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from "react";
import { noWishes, type Preferences, type Wishes } from "@/attention/preferences";
import type { Chat } from "@/chat/chat";
import { type Connection, firstConnection } from "@/connection/connection";
import type { Connector } from "@/connection/connector";
import { type Identity, type Me, nobody } from "@/people/identity";
import { firstState, type RoomState, type RoomStore } from "@/room/store";

const Context = createContext<Chat | null>(null);

/** ChatProvider gives the chat to its children and starts the connection. */
export function ChatProvider({ chat, children }: { chat: Chat; children: ReactNode }) {
  // Before a name is chosen, so that a sleeping server wakes meanwhile.
  useEffect(() => chat.connector.start(), [chat]);
  return <Context value={chat}>{children}</Context>;
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

export function useLive(): boolean {
  const connector = useConnector();
  return useSyncExternalStore(
    connector.subscribe,
    () => connector.getConnection().state === "live",
    () => false,
  );
}

export function useStore(): RoomStore {
  return useChat().store;
}

export function useIdentity(): Identity {
  return useChat().identity;
}

export function usePreferences(): Preferences {
  return useChat().preferences;
}

export function useWishes(): Wishes {
  const preferences = usePreferences();
  return useSyncExternalStore(preferences.subscribe, preferences.getWishes, () => noWishes);
}

/** A part of the state of the room; `select` returns the same value while that part has not changed. */
export function useRoomState<T>(select: (state: RoomState) => T): T {
  const { store } = useChat();
  return useSyncExternalStore(
    store.subscribe,
    () => select(store.getState()),
    () => select(firstState),
  );
}

export function useMe(): Me {
  const { identity } = useChat();
  return useSyncExternalStore(identity.subscribe, identity.getMe, () => nobody);
}
