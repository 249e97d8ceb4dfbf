"use client";

import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from "react";
import type { Chat } from "@/chat/browser";
import { type Identity, type Me, nobody } from "@/chat/identity";
import { noWishes, type Preferences, type Wishes } from "@/chat/preferences";
import { type ChatState, type ChatStore, firstState } from "@/chat/store";

const Context = createContext<Chat | null>(null);

/** ChatProvider gives a chat, made elsewhere, to all that is inside, and starts it. */
export function ChatProvider({ chat, children }: { chat: Chat; children: ReactNode }) {
  // Before a name was chosen already: a sleeping server wakes meanwhile.
  useEffect(() => chat.store.start(), [chat]);
  return <Context value={chat}>{children}</Context>;
}

function useChat(): Chat {
  const chat = useContext(Context);
  if (chat === null) throw new Error("There is no ChatProvider around this component.");
  return chat;
}

export function useStore(): ChatStore {
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

/** A part of the state; `select` returns the same value as long as that part did not change. */
export function useChatState<T>(select: (state: ChatState) => T): T {
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
