"use client";

import { lazy, Suspense, useEffect } from "react";
import { getChat } from "@/chat/browser";
import { Aurora } from "./Aurora";
import { ChatProvider, useMe } from "./context";
import { NameForm } from "./NameForm";

/** The form is small and comes first; the room, with all that draws messages, comes while a name is written. */
const loadRoom = () => import("./Room");
const Room = lazy(async () => ({ default: (await loadRoom()).Room }));

export function ChatApp() {
  useEffect(() => {
    loadRoom().catch(() => {}); // said when it is needed
  }, []);
  return (
    <ChatProvider chat={getChat()}>
      <Aurora />
      <Screen />
    </ChatProvider>
  );
}

export function Screen() {
  const { username } = useMe();
  if (username === null) return <NameForm />;
  return (
    <Suspense>
      <Room username={username} />
    </Suspense>
  );
}
