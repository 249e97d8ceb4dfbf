"use client";

import { getChat } from "@/chat/browser";
import { Aurora } from "./Aurora";
import { ChatProvider, useMe } from "./context";
import { NameForm } from "./NameForm";
import { Room } from "./Room";

export function ChatApp() {
  return (
    <ChatProvider chat={getChat()}>
      <Aurora />
      <Screen />
    </ChatProvider>
  );
}

export function Screen() {
  const { username } = useMe();
  return username === null ? <NameForm /> : <Room username={username} />;
}
